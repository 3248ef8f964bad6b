import { z } from 'zod';
import { address } from './kinds.ts';
import { checkLogo } from './plainly.ts';

/** What people see that makes it theirs. */
export const brandSettings = {
  BRAND_NAME: z
    .string()
    .min(1)
    .max(40)
    .default('Latchkey')
    .meta({ description: 'The name on pages and in messages.' }),
  BRAND_LOGO: z
    .string()
    .superRefine(checkLogo)
    .optional()
    .meta({ description: 'A logo file (SVG or PNG, at most 20 kB) shown beside the name.' }),
  BRAND_ACCENT: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour like #3b5bdb')
    .default('#3b5bdb')
    .meta({ description: 'The accent colour of buttons and links.' }),
  SUPPORT_URL: address('https:', 'http:', 'mailto:')
    .optional()
    .meta({ description: 'Where pages send people who need help.' }),
  PRIVACY_URL: address('https:', 'http:')
    .optional()
    .meta({ description: 'Privacy notice, linked on every page.' }),
  TERMS_URL: address('https:', 'http:')
    .optional()
    .meta({ description: 'Terms of use, linked on every page.' }),
};
