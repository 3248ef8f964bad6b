/** A server as docs/conformance.md sets it up for the OpenID Foundation's suite. */
export const suiteIssuer = 'https://op.example.test';

export const suiteSettings = {
  ISSUER: suiteIssuer,
  PROFILE: 'conformance',
  CONFORMANCE_ISSUER: suiteIssuer,
  SMTP_URL: 'smtp://127.0.0.1:9',
  COOKIE_KEYS: 'k'.repeat(43),
};
