import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  contentEncryptionAlgs,
  keyEncryptionAlgs,
  signingAlgs,
} from '../../clients/registry/members/algorithms.ts';
import { responseTypes } from '../../clients/registry/members/flows.ts';
import { clientMetadata } from '../../clients/registry/metadata.ts';
import { registerClient } from '../../src/actions/register-client.ts';
import { openApp, type Server } from '../../src/app.ts';
import { seed } from '../../src/operator/seed.ts';
import { openWorld, type World } from '../support/world.ts';

/** What the registry takes, the engine takes: it looks at an app only when somebody comes with it, and would refuse them. */
let world: World;
let server: Server;
beforeAll(async () => {
  world = await openWorld();
  server = await openApp(world.services);
});
afterAll(async () => {
  await server.stop();
  await world.close();
});

const jwks = {
  keys: [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }),
  ],
};
const redirect_uris = ['https://app.example.test/cb'];
const ciba = 'urn:openid:params:grant-type:ciba';
const device = 'urn:ietf:params:oauth:grant-type:device_code';

const encrypted = ['id_token', 'userinfo', 'authorization', 'introspection'].flatMap((kind) => [
  ...keyEncryptionAlgs.map((alg) => ({ jwks, [`${kind}_encrypted_response_alg`]: alg })),
  ...contentEncryptionAlgs.map((enc) => ({
    jwks,
    [`${kind}_encrypted_response_alg`]: 'ECDH-ES',
    [`${kind}_encrypted_response_enc`]: enc,
  })),
  ...signingAlgs.map((alg) => ({ [`${kind}_signed_response_alg`]: alg })),
]);

const variants: Record<string, unknown>[] = [
  {},
  { application_type: 'native', redirect_uris: ['com.example.app:/cb', 'http://127.0.0.1/cb'] },
  { initiate_login_uri: 'http://localhost:3000/start' },
  { redirect_uris: ['https://a.example.test/', 'https://b.example.test/'] },
  { company: 'Somebody', redirect_uris: ['https://a.example.test/', 'https://b.example.test/'] },
  { scope: 'openid profile' },
  { resources: ['https://pots.example.test/'], scope: 'openid pots:read' },
  { login_with_amazon: true, scope: 'profile profile:user_id postal_code' },
  { grant_types: ['client_credentials'] },
  { grant_types: [device, 'refresh_token'], token_endpoint_auth_method: 'none' },
  { grant_types: [device, 'authorization_code'], subject_type: 'pairwise' },
  { grant_types: [ciba], backchannel_token_delivery_mode: 'poll' },
  {
    grant_types: [ciba],
    backchannel_token_delivery_mode: 'ping',
    backchannel_client_notification_endpoint: 'http://127.0.0.1:9/ping',
  },
  { grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'], first_party: true },
  { token_endpoint_auth_method: 'private_key_jwt', jwks, token_endpoint_auth_signing_alg: 'EdDSA' },
  { token_endpoint_auth_method: 'private_key_jwt', jwks, high_assurance: true },
  { jwks, require_signed_request_object: true, request_object_signing_alg: 'PS256' },
  { jwks, request_object_encryption_alg: 'ECDH-ES' },
  { dpop_bound_access_tokens: true, require_pushed_authorization_requests: true },
  { backchannel_logout_uri: 'https://app.example.test/out', backchannel_logout_session_required: true },
  { contacts: ['dev@example.test'], default_max_age: 60, require_auth_time: true },
  { resource_server: '*', redirect_uris: [] },
  ...responseTypes.map((type) => ({ allow_implicit: true, response_types: [type] })),
  ...encrypted,
];

it.each<[string, Record<string, unknown>]>(
  variants.map((variant) => [JSON.stringify(variant).replace(/"jwks":.*?\]\},?/, ''), variant]),
)('%s', async (_, variant) => {
  const added = await registerClient(world.services, { metadata: { redirect_uris, ...variant } });
  if (!added.ok) throw new Error(JSON.stringify(added));
  const found = await server.app.provider.Client.find(added.client.clientId);
  expect(found?.clientId).toBe(added.client.clientId);
  expect(found?.subjectType).toBe(added.client.metadata.subject_type);
});

it('comes with every member from a seed, and every standard claim of a person, and stays as it is', async () => {
  const everything = {
    client_id: 'everything',
    'client_name#de': 'Alles',
    redirect_uris,
    post_logout_redirect_uris: ['https://app.example.test/bye'],
    grant_types: ['authorization_code', 'refresh_token', device, ciba, 'implicit'],
    response_types: ['code', 'code id_token'],
    allow_implicit: true,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    scope: 'openid offline_access pots:read',
    resources: ['https://pots.example.test/'],
    backchannel_token_delivery_mode: 'poll',
    id_token_signed_response_alg: 'EdDSA',
    userinfo_encrypted_response_alg: 'ECDH-ES',
    default_max_age: 60,
    software_version: 1,
  };
  const person = {
    email: 'everybody@example.test',
    email_verified: true,
    phone_number: '+34600111333',
    phone_number_verified: true,
    password: 'correct horse battery staple',
    ...{ name: 'A B', given_name: 'A', family_name: 'B', middle_name: 'M', nickname: 'ab' },
    ...{
      preferred_username: 'ab',
      profile: 'https://ab.example.test/',
      picture: 'https://ab.example.test/p.png',
    },
    ...{
      website: 'https://ab.example.test/',
      gender: 'x',
      birthdate: '1990-05-17',
      zoneinfo: 'Europe/Madrid',
    },
    ...{ locale: 'es-ES', updated_at: 1_700_000_000 },
    address: { formatted: 'Calle\nMadrid', street_address: 'Calle', locality: 'Madrid', postal_code: 28013 },
  };
  const text = JSON.stringify({ accounts: [person], apps: [everything] });
  for (const result of ['created', 'unchanged']) {
    const seeded = await seed(world.services, text);
    expect(seeded).toMatchObject({
      ok: true,
      notBrought: [],
      report: { accounts: [{ result }], apps: [{ result }] },
    });
  }
  expect((await server.app.provider.Client.find('everything'))?.clientId).toBe('everything');
});

it('leaves no member without a place', () => {
  // RFC 7591 and its companions; what is refused by name stands in clients/registry/metadata.ts.
  expect(Object.keys(clientMetadata.shape)).toEqual(
    expect.arrayContaining([
      ...['sector_identifier_uri', 'subject_type', 'initiate_login_uri', 'default_acr_values'],
      ...['tls_client_auth_subject_dn', 'tls_client_auth_san_dns', 'tls_client_auth_san_uri'],
      ...[
        'tls_client_auth_san_ip',
        'tls_client_auth_san_email',
        'tls_client_certificate_bound_access_tokens',
      ],
      ...['authorization_details_types', 'backchannel_user_code_parameter', 'backchannel_logout_uri'],
    ]),
  );
});
