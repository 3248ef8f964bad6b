import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apiMembers } from '../../clients/registry/apis/members.ts';
import { clientMetadata } from '../../clients/registry/metadata.ts';
import { spokenParts } from '../../scripts/manuals/spoken.ts';
import { registerApi } from '../../src/actions/register-api.ts';
import { commands, nameOf } from '../../src/operator/commands.ts';
import { settingsSchema } from '../../src/settings/schema.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** The manual of the protocol, and what a server with everything on says of itself. */
const spoken = Object.values(spokenParts).flat();
let world: World;
let said: Record<string, unknown>;
beforeAll(async () => {
  world = await openWorld({
    MTLS_HEADER: 'client-cert',
    MTLS_ORIGIN: 'https://mtls.example.test',
    DYNAMIC_REGISTRATION: 'open',
    CLIENT_ID_METADATA_DOCUMENTS: 'on',
  });
  const kind = { type: 'payment', title: 'Pay', fields: [{ name: 'amount', title: 'Amount' }] };
  const api = { identifier: 'https://bank.example.test', name: 'Bank', authorization_details_types: [kind] };
  expect(await registerApi(world.services, api)).toMatchObject({ ok: true });
  const reads = () => send(`${world.issuer}/.well-known/openid-configuration`);
  do said = (await reads()).json;
  while (!('authorization_details_types_supported' in said) && (await sleep(20, true)));
});
afterAll(() => world.close());

describe('the manual of the protocol', () => {
  it('names nothing that the discovery document does not say', () => {
    for (const { what, found = {} } of spoken)
      for (const [name, values] of Object.entries(found)) {
        expect([what, name, said[name]]).not.toEqual([what, name, undefined]);
        for (const value of values)
          expect([what, name, said[name]]).toEqual([what, name, expect.arrayContaining([value])]);
      }
  });

  it('leaves out nothing that the discovery document says', () => {
    const found = spoken.flatMap((row) => Object.entries(row.found ?? {}));
    for (const [name, value] of Object.entries(said)) {
      const named = found.filter(([one]) => one === name).map(([, values]) => values);
      expect([name, named.length > 0]).toEqual([name, true]);
      if (!Array.isArray(value) || named.some((values) => values.length === 0)) continue;
      expect([name, named.flat().sort()]).toEqual([name, [...value].sort()]);
    }
  });

  it('has a section of a standard for each, and names settings and members that there are', () => {
    const known = [
      ...Object.keys(settingsSchema.shape),
      ...Object.keys(clientMetadata.shape),
      'response_mode',
    ];
    const ofApis = [...Object.keys(apiMembers.shape), ...commands.map(nameOf)];
    const grants = said['grant_types_supported'] as string[];
    for (const { what, standard, by = '' } of spoken) {
      expect([what, standard]).toEqual([what, expect.stringMatching(/ sections? \d/)]);
      for (const [, name] of by.matchAll(/`([^`]+)`/g))
        expect([what, [...known, ...ofApis, ...grants].includes(String(name)) ? name : `no ${name}`]).toEqual(
          [what, name],
        );
    }
  });
});

describe('the discovery document', () => {
  it('names how apps prove who they are wherever they do, and what signatures count there (RFC 8414 section 2)', () => {
    const methods = said['token_endpoint_auth_methods_supported'] as string[];
    expect(methods).toEqual(expect.arrayContaining(['private_key_jwt', 'tls_client_auth']));
    const confidential = methods.filter((method) => method !== 'none');
    expect(said['revocation_endpoint_auth_methods_supported']).toEqual(methods);
    expect(said['introspection_endpoint_auth_methods_supported']).toEqual(confidential);
    for (const endpoint of ['token', 'revocation', 'introspection']) {
      const algorithms = said[`${endpoint}_endpoint_auth_signing_alg_values_supported`] as string[];
      expect([...algorithms].sort()).toEqual(['ES256', 'EdDSA', 'PS256', 'RS256']);
    }
  });
});
