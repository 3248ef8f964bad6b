import { compatAddresses } from '../../src/oidc/compat/addresses.ts';
import { providerAddresses } from '../../src/oidc/provider-methods.ts';
import { code, type Manual, page, table } from './markdown.ts';

/** Beside the protocol: what load balancers, monitoring and test suites ask. */
const others: readonly (readonly [string, string, string])[] = [
  ['/healthz', 'GET', 'The process lives.'],
  ['/readyz', 'GET', 'It can work: its stores answer, and it is not shutting down. Otherwise 503.'],
  ['/metrics', 'GET', 'Prometheus metrics, on METRICS_PORT only.'],
  ['/register', 'POST', 'Registration of apps (RFC 7591), unless DYNAMIC_REGISTRATION is off.'],
  ['/register/{client_id}', 'GET, PUT, DELETE', 'An app looks after its registration (RFC 7592).'],
  [
    '/.well-known/passkey-endpoints',
    'GET',
    'Where people add and manage their passkeys, for password managers (W3C draft).',
  ],
  [
    '/.well-known/change-password',
    'GET',
    'Leads to where people change their password (W3C), for password managers.',
  ],
  ['/.well-known/webauthn', 'GET', 'The origins that may use our passkeys (WebAuthn Level 3 section 5.11).'],
  [
    '/dev/outbox.json',
    'GET',
    'Messages that would have been sent; only on a loopback ISSUER without a real transport.',
  ],
];

export const httpApiManual: Manual = {
  file: 'http-api.md',
  print: () =>
    page(
      'HTTP API',
      'The protocol addresses stand in the discovery document too; clients should read them from there. Pages for people ' +
        'begin with `/interaction/` and `/account` and are no API.',
      table(
        ['Address', 'Methods', 'What it is'],
        [
          ...Object.entries({ ...providerAddresses, ...compatAddresses }).map(
            ([address, { methods, what }]) => [code(address), methods.join(', '), what],
          ),
          ...others.map(([address, methods, what]) => [code(address), methods, what]),
        ],
      ),
      'A request with a method that an address does not know gets 405 with `Allow`. Errors of the protocol addresses are ' +
        'the JSON of RFC 6749 section 5.2; a store that is down gives 503 with `Retry-After`.',
    ),
};
