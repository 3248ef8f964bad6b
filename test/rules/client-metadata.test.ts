import { describe, expect, it } from '@jest/globals';
import { checkClientMetadata } from '../../clients/registry/metadata.ts';

const redirect_uris = ['https://app.example.com/cb'];
const jwks = { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] };
const ciba = 'urn:openid:params:grant-type:ciba';
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

function problemsOf(given: unknown): Record<string, string> {
  const checked = checkClientMetadata(given);
  return checked.ok ? {} : Object.fromEntries(checked.problems.map((p) => [p.field, p.problem]));
}

function accepted(given: unknown) {
  const checked = checkClientMetadata(given);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked;
}

describe('what an app says of itself', () => {
  it('is completed with the defaults of RFC 7591', () => {
    expect(accepted({ redirect_uris }).metadata).toMatchObject({
      application_type: 'web',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
      first_party: false,
    });
  });

  it('gets refresh tokens only where it may ask for offline access', () => {
    expect(accepted({ redirect_uris, scope: 'openid email' }).metadata.grant_types).toEqual([
      'authorization_code',
    ]);
    expect(accepted({ redirect_uris, scope: 'openid offline_access' }).metadata.grant_types).toContain(
      'refresh_token',
    );
  });

  it('makes native apps public, since what is shipped to everybody is no secret (RFC 8252 section 8.5)', () => {
    const { metadata } = accepted({
      application_type: 'native',
      redirect_uris: ['com.example.app:/cb'],
    });
    expect(metadata.token_endpoint_auth_method).toBe('none');
  });

  it('lets a resource server have no redirect URIs and no grants', () => {
    expect(accepted({ client_name: 'API', resource_server: '*' }).metadata.grant_types).toEqual([]);
  });

  it('takes names and addresses in other languages', () => {
    const { metadata } = accepted({
      redirect_uris,
      'client_name#de-AT': 'Häuser',
      'tos_uri#fr': 'https://a.example/cgu',
    });
    expect(metadata['client_name#de-AT']).toBe('Häuser');
  });

  it('stores a scope once', () => {
    expect(accepted({ redirect_uris, scope: 'openid  email openid' }).metadata.scope).toBe('openid email');
  });

  it('knows people by names of their own for a stranger, and by one name for our own apps', () => {
    const of = (given: object) => accepted({ redirect_uris, ...given }).metadata.subject_type;
    expect(of({})).toBe('pairwise');
    expect(of({ subject_type: 'public' })).toBe('public');
    expect(of({ first_party: true })).toBe('public');
    expect(of({ redirect_uris: ['https://a.example/', 'https://b.example/'] })).toBe('public');
    expect(of({ redirect_uris: ['https://a.example/', 'http://localhost/'] })).toBe('pairwise');
    const list = { sector_identifier_uri: 'https://a.example/list' };
    expect(of({ redirect_uris: ['https://a.example/', 'https://b.example/'], ...list })).toBe('pairwise');
  });

  it('goes on knowing people as it did when an app changes', () => {
    const { subject_type: _, ...before } = accepted({ redirect_uris }).metadata;
    const changed = checkClientMetadata({ redirect_uris, client_name: 'New' }, before);
    expect(changed).toMatchObject({ ok: true, metadata: { subject_type: 'public' } });
    const pairwise = checkClientMetadata(
      { redirect_uris, first_party: true },
      { ...before, subject_type: 'pairwise' },
    );
    expect(pairwise).toMatchObject({ ok: true, metadata: { subject_type: 'pairwise' } });
  });

  it('signs what it encrypts, and says with what', () => {
    const { metadata } = accepted({ redirect_uris, jwks, userinfo_encrypted_response_alg: 'ECDH-ES' });
    expect(metadata).toMatchObject({
      userinfo_signed_response_alg: 'RS256',
      userinfo_encrypted_response_enc: 'A128CBC-HS256',
    });
  });

  it('lets an operator allow the flows that are gone, in any order of their words', () => {
    const { metadata } = accepted({
      redirect_uris,
      allow_implicit: true,
      response_types: ['token id_token code'],
    });
    expect(metadata.response_types).toEqual(['code id_token token']);
    expect(metadata.grant_types).toEqual(['authorization_code', 'refresh_token', 'implicit']);
  });

  it('writes nothing of what high assurance demands, which would stay when it is switched off', () => {
    const { metadata } = accepted({
      redirect_uris,
      jwks,
      high_assurance: true,
      token_endpoint_auth_method: 'private_key_jwt',
    });
    expect(metadata).toMatchObject({ id_token_signed_response_alg: 'ES256' });
    expect(metadata).not.toHaveProperty('require_pushed_authorization_requests');
    expect(metadata).not.toHaveProperty('dpop_bound_access_tokens');
    const certified = { ...metadata, tls_client_certificate_bound_access_tokens: true };
    expect(checkClientMetadata(certified)).toMatchObject({ ok: true });
  });

  it('takes scopes with a colon from apps that ask for APIs, and from those in Amazon’s shape', () => {
    const api = { resources: ['https://pots.example/'], scope: 'openid pots:read pots::all' };
    expect(accepted({ redirect_uris, ...api }).metadata.scope).toBe('openid pots:read pots::all');
    const amazon = { login_with_amazon: true, scope: 'profile profile:user_id postal_code' };
    expect(accepted({ redirect_uris, ...amazon }).metadata.scope).toBe('profile profile:user_id postal_code');
  });

  it('lets one that is marked login_with_amazon keep its access and name its own scopes', () => {
    const scope = 'profile postal_code alexa::ask:skills:readwrite';
    const { metadata, notes } = accepted({ redirect_uris, login_with_amazon: true, scope });
    expect(metadata).toMatchObject({ scope, grant_types: ['authorization_code', 'refresh_token'] });
    expect(notes).toEqual([]);
  });
});

describe('an app is refused with the member and what to do', () => {
  it.each<[string, unknown, RegExp]>([
    ['redirect_uris', {}, /missing/],
    ['redirect_uris', { redirect_uris: 'https://a.example/' }, /must be a list/],
    [
      'redirect_uris',
      { redirect_uris: Array.from({ length: 51 }, (_, i) => `https://a.example/${i}`) },
      /50/,
    ],
    ['redirect_uris[1]', { redirect_uris: ['https://a.example/cb', 'https://a.example/CB'] }, /twice/],
    [
      'post_logout_redirect_uris[0]',
      { redirect_uris, post_logout_redirect_uris: ['http://a.example/'] },
      /plain http/,
    ],
    ['grant_types', { redirect_uris, grant_types: ['authorization_code', 'implicit'] }, /only an operator/],
    ['grant_types[0]', { redirect_uris, grant_types: ['password'] }, /authorization_code or refresh_token/],
    ['grant_types', { redirect_uris, grant_types: ['refresh_token'] }, /without authorization_code/],
    ['response_types', { redirect_uris, response_types: ['token'] }, /has token, which only an operator/],
    ['response_types', { redirect_uris, response_types: ['token id_token'] }, /has id_token token/],
    ['response_types[0]', { redirect_uris, response_types: ['none'] }, /must be code/],
    [
      'token_endpoint_auth_method',
      { redirect_uris, token_endpoint_auth_method: 'client_secret_jwt' },
      /must be/,
    ],
    [
      'token_endpoint_auth_method',
      { redirect_uris, token_endpoint_auth_method: 'private_key_jwt' },
      /needs jwks/,
    ],
    ['jwks.keys[0]', { redirect_uris, jwks: { keys: [{ kty: 'EC', d: 'x' }] } }, /private key/],
    ['jwks.keys[0].kty', { redirect_uris, jwks: { keys: [{ kty: 'oct', k: 'x' }] } }, /RSA, EC or OKP/],
    ['jwks', { redirect_uris, jwks: { keys: [{ kty: 'EC' }] }, jwks_uri: 'https://a.example/k' }, /Keep one/],
    ['scope', { redirect_uris, scope: 'openid admin' }, /"admin"/],
    ['client_name', { redirect_uris, client_name: 'Bank\u202Eknab' }, /direction-changing/],
    ['client_name', { redirect_uris, client_name: 'La\u200Btchkey' }, /invisible/],
    ['client_name', { redirect_uris, client_name: 'x'.repeat(81) }, /80 characters/],
    ['client_name', { redirect_uris, client_name: '  ' }, /empty/],
    ['client_name#<b>', { redirect_uris, 'client_name#<b>': 'x' }, /not a member/],
    ['client_name#de', { redirect_uris, 'client_name#de': '\u0000' }, /control/],
    ['redirect_uri', { redirect_uris, redirect_uri: 'x' }, /Did you mean redirect_uris/],
    [
      'id_token_encrypted_response_alg',
      { redirect_uris, id_token_encrypted_response_alg: 'RSA-OAEP' },
      /needs jwks/,
    ],
    [
      'id_token_encrypted_response_alg',
      { redirect_uris, id_token_encrypted_response_alg: 'RSA1_5' },
      /must be RSA-OAEP/,
    ],
    [
      'userinfo_encrypted_response_enc',
      { redirect_uris, userinfo_encrypted_response_enc: 'A128GCM' },
      /needs/,
    ],
    ['request_uris', { redirect_uris, request_uris: ['https://a.example/r'] }, /not supported/],
    ['software_statement', { redirect_uris, software_statement: 'x' }, /not supported/],
    ['scope', { redirect_uris, scope: 'openid pots:read' }, /among its resources/],
    ['resources[0]', { redirect_uris, resources: ['pots'] }, /address/],
    [
      'token_endpoint_auth_method',
      { redirect_uris, token_endpoint_auth_method: 'tls_client_auth' },
      /exactly one/,
    ],
    ['tls_client_auth_san_ip', { redirect_uris, tls_client_auth_san_ip: '10.0.0.1' }, /only for/],
    ['tls_client_auth_san_ip', { redirect_uris, tls_client_auth_san_ip: 'ten' }, /IP address/],
    [
      'token_endpoint_auth_method',
      { redirect_uris, token_endpoint_auth_method: 'self_signed_tls_client_auth' },
      /needs jwks/,
    ],
    [
      'dpop_bound_access_tokens',
      { redirect_uris, dpop_bound_access_tokens: true, tls_client_certificate_bound_access_tokens: true },
      /Keep one/,
    ],
    ['backchannel_token_delivery_mode', { redirect_uris, grant_types: [ciba] }, /missing/],
    [
      'backchannel_client_notification_endpoint',
      { redirect_uris, grant_types: [ciba], backchannel_token_delivery_mode: 'ping' },
      /missing/,
    ],
    [
      'grant_types',
      { redirect_uris, grant_types: [ciba], token_endpoint_auth_method: 'none' },
      /without credentials/,
    ],
    ['grant_types', { redirect_uris, grant_types: [tokenExchange] }, /first_party/],
    ['token_endpoint_auth_method', { redirect_uris, high_assurance: true }, /private_key_jwt/],
    [
      'redirect_uris',
      { redirect_uris: ['http://localhost/cb'], response_types: ['id_token'], allow_implicit: true },
      /implicit/,
    ],
    [
      'id_token_signed_response_alg',
      { redirect_uris, id_token_signed_response_alg: 'none' },
      /RS256 or PS256 or ES256 or EdDSA/,
    ],
    [
      'id_token_signed_response_alg',
      { redirect_uris, id_token_signed_response_alg: 'HS256' },
      /RS256 or PS256 or ES256 or EdDSA/,
    ],
    ['logo_uri', { redirect_uris, logo_uri: 'javascript:alert(1)' }, /https/],
    ['contacts[0]', { redirect_uris, contacts: ['nobody'] }, /e-mail/],
    ['first_party', { redirect_uris, first_party: 'yes' }, /true or false/],
    ['default_max_age', { redirect_uris, default_max_age: -1 }, /negative/],
    [
      'resource_server',
      { redirect_uris, resource_server: ['a'], token_endpoint_auth_method: 'none' },
      /authenticates/,
    ],
    [
      'require_pkce',
      { redirect_uris, require_pkce: false, token_endpoint_auth_method: 'none' },
      /nothing else protects/,
    ],
    [
      'subject_type',
      { redirect_uris: ['https://a.example/', 'https://b.example/'], subject_type: 'pairwise' },
      /one host/,
    ],
    ['__proto__', JSON.parse('{"redirect_uris":["https://a.example/"],"__proto__":{"x":1}}'), /not a member/],
    ['constructor', { redirect_uris, ['constructor']: 1 }, /not a member/],
    ['app', [], /object/],
    ['app', null, /object/],
  ])('%s: %j', (field, given, sentence) => {
    expect(problemsOf(given)[field]).toMatch(sentence);
  });

  it('tells all problems together', () => {
    const found = problemsOf({
      redirect_uris: ['javascript:x'],
      scope: 3,
      logo_uri: 'ftp://a.example/',
      colour: 'red',
    });
    expect(Object.keys(found).sort()).toEqual(['colour', 'logo_uri', 'redirect_uris[0]', 'scope']);
  });
});
