/** The addresses of this face, for the manual; docs/login-with-amazon.md says what they are for. */
export const compatAddresses: Record<string, { methods: string[]; what: string }> = {
  '/ap/oa': { methods: ['GET'], what: 'Login with Amazon: authorization' },
  '/auth/o2/token': { methods: ['POST'], what: 'Login with Amazon: tokens, in a form or JSON' },
  '/auth/o2/tokeninfo': { methods: ['GET'], what: 'Login with Amazon: what an access token is' },
  '/auth/o2/create/codepair': { methods: ['POST'], what: 'Login with Amazon: codes for a device' },
  '/user/profile': { methods: ['GET'], what: 'Login with Amazon: the profile' },
  '/ap/user/profile': { methods: ['GET'], what: 'Login with Amazon: the profile, in its older form' },
};
