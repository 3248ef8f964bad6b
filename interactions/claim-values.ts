import type { Translator } from '../src/web/words.ts';

/** One line of what an app would see: the claim's name in plain words, and the value as people write it. */
export type SharedValue = { name: string; value: string };

/** Those of `claims` that the account has, to be shown before they are shared. */
export function sharedValues(
  words: Translator,
  known: Record<string, unknown>,
  claims: readonly string[],
): SharedValue[] {
  return claims.flatMap((claim) => {
    const value = written(words, claim, known[claim]);
    return value === undefined ? [] : [{ name: words.t(`scope.claim.${claim}`), value }];
  });
}

function written(words: Translator, claim: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'boolean') return words.t(value ? 'scope.value.yes' : 'scope.value.no');
  if (claim === 'updated_at' && typeof value === 'number') return words.date(value * 1000);
  if (typeof value === 'object') return writtenAddress(value as PostalAddress);
  return String(value);
}

/** OpenID Connect Core section 5.1.1. */
type PostalAddress = {
  formatted?: string;
  street_address?: string;
  postal_code?: string;
  locality?: string;
  region?: string;
  country?: string;
};

function writtenAddress({ formatted = '', ...members }: PostalAddress): string | undefined {
  const { street_address, postal_code, locality, region, country } = members;
  // Every member is shared, so every one is shown; `formatted` usually says most of them already.
  const more = [street_address, postal_code, locality, region, country].filter(
    (member) => member && !formatted.includes(member),
  );
  return [formatted, ...more].filter(Boolean).join(', ').replaceAll('\n', ', ') || undefined;
}
