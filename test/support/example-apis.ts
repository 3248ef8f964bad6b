import { registerApi } from '../../src/actions/register-api.ts';
import type { Person } from './person.ts';
import { type Attempt, arrivalOf, openRelyingParty, type RelyingParty } from './relying-party.ts';
import type { TestAccount, World } from './world.ts';

/** Three APIs, one of each kind: it reads its tokens by itself, it asks about them, and it is for our own apps only. */
export const files = 'https://files.example.test/v1';
export const mail = 'https://mail.example.test';
export const ours = 'https://internal.example.test';

export type ExampleApis = {
  /** An app that has all three. */
  app: RelyingParty;
  filesServer: RelyingParty;
  mailServer: RelyingParty;
  account: TestAccount;
  asking(resources: string[], scope: string): Attempt;
  /** The code of somebody who says yes in a new browser: `account` unless said otherwise. */
  tokensFor(
    resources: string[],
    scope: string,
    whose?: TestAccount,
  ): Promise<{ code: string; attempt: Attempt }>;
};

export async function openExampleApis(world: World): Promise<ExampleApis> {
  const account = await world.account();
  const server = { resource_server: [], redirect_uris: [], grant_types: [] };
  const [filesServer, mailServer] = [
    await openRelyingParty(world, server),
    await openRelyingParty(world, server),
  ];
  for (const api of apisOf(filesServer, mailServer)) {
    const added = await registerApi(world.services, api);
    if (!added.ok) throw new Error(`no test API: ${JSON.stringify(added)}`);
  }
  const app = await openRelyingParty(world, {
    resources: [files, mail, ours],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  });

  function asking(resources: string[], scope: string): Attempt {
    const attempt = app.asks({ scope });
    for (const resource of resources) attempt.url.searchParams.append('resource', resource);
    return attempt;
  }

  return {
    app,
    filesServer,
    mailServer,
    account,
    asking,
    async tokensFor(resources, scope, whose = account) {
      const [attempt, by] = [asking(resources, scope), world.person()];
      await isAsked(by, whose, attempt.url);
      if (!by.left) await by.decides('allow');
      return { code: arrivalOf(by).searchParams.get('code') ?? '', attempt };
    },
  };
}

/** Whose consent page is read before it is answered. */
export async function isAsked(person: Person, whose: TestAccount, url: URL): Promise<void> {
  await person.goes(url);
  if (person.heading === 'Sign in')
    await person.submits({ identifier: whose.identifier, password: whose.password });
}

function apisOf(filesServer: RelyingParty, mailServer: RelyingParty) {
  return [
    {
      identifier: files,
      name: { en: 'Example Files', de: 'Beispiel-Dateien' },
      scopes: [
        { name: 'files:read', title: { en: 'See your files', de: 'Deine Dateien sehen' } },
        { name: 'files:write', title: 'Change your files', optional: true },
      ],
      introspected_by: [filesServer.clientId],
    },
    {
      identifier: mail,
      name: 'Example Mail',
      scopes: [{ name: 'mail:read', title: 'Read your mail' }],
      token_format: 'opaque',
      token_lifetime: 600,
      introspected_by: [mailServer.clientId],
    },
    {
      identifier: ours,
      name: 'Internal',
      scopes: [{ name: 'all:do', title: 'Do it all' }],
      first_party_only: true,
    },
  ];
}
