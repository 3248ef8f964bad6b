import type { Identifier } from '../accounts/identifier.ts';
import { parseIdentifier } from '../accounts/identifier.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import type { Settings } from '../settings.ts';

/**
 * An address as an operator gives it. Operators may also bring numbers that no country gives out, such as those reserved
 * for tests: as a claim it is theirs to say, though nobody can sign in with one.
 */
export function operatorIdentifier(
  { DEFAULT_PHONE_REGION: region }: Pick<Settings, 'DEFAULT_PHONE_REGION'>,
  text: string,
): Outcome<Identifier & { note?: string }, 'not_an_address'> {
  const parsed = parseIdentifier(text, { region });
  if (parsed.ok) return parsed;
  const digits = text.replace(/[\s().-]/g, '');
  if (!/^\+[1-9]\d{6,14}$/.test(digits)) return refused('not_an_address');
  const note = "is in no country's numbering plan: it is kept, but nobody can sign in with it.";
  return { ok: true, channel: 'phone', address: digits, written: digits, note };
}
