import { z } from 'zod';

/** What the server is for. */
export const profileSettings = {
  PROFILE: z.enum(['standard', 'conformance']).default('standard').meta({
    description:
      "conformance: for a run of the OpenID Foundation's test suite and for nothing else (docs/conformance.md). Anybody may register apps, also with the implicit and hybrid flows, and the server fetches from anywhere.",
  }),
  CONFORMANCE_ISSUER: z.string().optional().meta({
    description:
      'Must repeat ISSUER with PROFILE=conformance, so that the profile is copied to no other server.',
  }),
};
