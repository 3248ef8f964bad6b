import { z } from 'zod';
import { isIssuer, list, onOff, wholeNumber } from './kinds.ts';

/** Passkeys, codes and trusted browsers. */
export const secondStepsSettings = {
  RP_ID: z
    .string()
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'must be a domain in lower case')
    .optional()
    .meta({
      description:
        "The domain that passkeys are made for: ISSUER's host, or a domain above it. Unset: ISSUER's host. Changed, it orphans every passkey.",
    }),
  WEBAUTHN_ORIGINS: list
    .refine((origins) => origins.every(isIssuer), 'must be https origins without path or slash at the end')
    .default([])
    .meta({
      description:
        'Other origins that may use the passkeys of RP_ID, told to browsers at /.well-known/webauthn. An ISSUER that is not below RP_ID must stand here, and in that file on RP_ID.',
    }),
  TEXT_SECOND_STEP: onOff.default(true).meta({
    description:
      'off: codes by text message are no second step any more, also for those who have them. Weaker than the other methods.',
  }),
  APPROVALS: onOff.default(true).meta({
    description:
      'off: nobody approves a sign-in on another device any more, also not who turned that on; requests under way are void.',
  }),
  ADAPTIVE_CHECK: onOff.default(true).meta({
    description:
      'Accounts without two-step verification: a sign-in by password from an unknown browser with an unusual sign of risk is asked for a code that is sent to a proved address. See `latchkey risk try`.',
  }),
  GEO_DATABASE: z.string().min(1).optional().meta({
    description:
      'A file in MaxMind’s format (.mmdb) with the countries, or the towns, of addresses; read at start. Unset: no sign of risk looks at places.',
  }),
  TRUSTED_DEVICE_DAYS: wholeNumber(1, 400)
    .default(30)
    .meta({ description: 'How long a browser may skip the second step, counted from when it was trusted.' }),
};
