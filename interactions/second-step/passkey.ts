import { z } from 'zod';
import { passkeyResponse } from '../passkey-answers.ts';
import type { SecondStepPart } from './kinds.ts';

/** The button that submits asks the browser first (shared/assets/passkeys.js). */
export const passkeyPart: SecondStepPart = {
  icon: 'key',
  form: z.object({ response: passkeyResponse('get') }),
  lead: (words) => words.t('passkey.step.lead'),
  ask: (_words, { problem }) => ({
    part: 'passkey-field',
    members: { ceremony: 'get', problem, explain: true },
  }),
  about: (_words, { name }) => name,
  wrong: 'passkey.step.wrong',
  manage: '/account/passkeys',
  scripts: ['passkeys.js'],
};
