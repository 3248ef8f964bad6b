import { z } from 'zod';
import { isIssuer } from './kinds.ts';

export type Region = { code: string; issuer: string; name: string };

/** Companies with a separate site in each country, each with accounts of its own. */
export const regionsSettings = {
  REGIONS: z
    .string()
    .transform((text, context): Region[] => {
      const parts = text.split(',').map((one) => one.trim());
      const regions = parts.filter(Boolean).map(toRegion);
      if (regions.every((one) => one !== undefined)) return regions;
      context.addIssue({
        code: 'custom',
        message: 'must read like de=https://id.example.de Germany, fr=https://id.example.fr France',
      });
      return z.NEVER;
    })
    .default([])
    .meta({
      description:
        'Our other sites, each with accounts of its own: code=issuer name, separated by commas. The sign-in page then says that an account may be there.',
    }),
  REGIONS_SECRET: z.string().min(32, 'must have at least 32 characters').optional().meta({
    description:
      'The same on all sites of REGIONS. With it they ask each other for an address whose password somebody forgot, and tell its owner, by mail, where the account is.',
  }),
};

function toRegion(text: string): Region | undefined {
  const [, code, issuer, name] = /^([a-z0-9-]{1,20})=(\S+)\s+(\S.{0,59})$/.exec(text) ?? [];
  return code && issuer && name && isIssuer(issuer) ? { code, issuer, name } : undefined;
}
