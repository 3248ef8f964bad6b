import { scopes } from '../../src/consents/scopes.ts';
import { code, type Manual, page, table } from './markdown.ts';

export const scopesManual: Manual = {
  file: 'scopes.md',
  print: () =>
    page(
      'Scopes and claims',
      'What an app may ask for, and the claims it gets when the person agrees. An optional scope may be unticked on the ' +
        'consent page while the app is let in all the same.',
      table(
        ['Scope', 'Optional', 'Claims'],
        Object.entries(scopes).map(([scope, { claims, optional }]) => [
          code(scope),
          optional ? 'yes' : 'no',
          claims.map(code).join(', '),
        ]),
      ),
    ),
};
