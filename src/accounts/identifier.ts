import { domainToASCII, domainToUnicode } from 'node:url';
import type { CountryCode } from 'libphonenumber-js';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';

/** What a person types to say who they are: an e-mail address or a phone number. */
export type Identifier = {
  channel: 'email' | 'phone';
  /** As compared: e-mail in lower case with an ASCII domain, phone in E.164. */
  address: string;
  /** As messages go to and pages show: the case of the mailbox name kept, phone spaced as its country does. */
  written: string;
};

/**
 * Reads one. `region` (ISO 3166-1 alpha-2) is the country of numbers written without a country code. Whatever has an
 * "@" is an e-mail address; all else must be a phone number that exists in its country's plan.
 */
export function parseIdentifier(
  text: string,
  { region }: { region: string },
): Outcome<Identifier, 'not_an_address'> {
  // 400 characters bound the work; the real limits are below. The first test is for lone surrogates.
  if (!text.isWellFormed() || text.length > 400) return refused('not_an_address');
  const typed = text.normalize('NFC').trim();
  return (typed.includes('@') ? parseEmail(typed) : parsePhone(typed, region)) ?? refused('not_an_address');
}

// RFC 5321 section 4.1.2, Dot-string. Quoted and non-ASCII mailbox names are refused: no provider gives them out, and
// letters that fold to the same lower case (dotless i, Kelvin sign) have been used to collect other people's codes.
const mailboxName = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;
const asciiDomain = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/;
// Letters, marks, digits, full stops of any script, middle dots and joiners: no '%', which a URL's host may be escaped with.
const domainAsTyped = /^(?:[\p{L}\p{M}\p{N}.\u3002\uff0e\uff61\u00b7\u30fb-]|\u200c|\u200d)+$/u;

function parseEmail(typed: string): ({ ok: true } & Identifier) | undefined {
  const at = typed.lastIndexOf('@');
  const mailbox = typed.slice(0, at);
  const typedDomain = typed.slice(at + 1);
  if (mailbox.length > 64 || !mailboxName.test(mailbox) || !domainAsTyped.test(typedDomain)) return undefined;
  // UTS 46, as browsers do it. Other spellings of a domain (full-width letters, say) become the one that is compared
  // AND the one that is written to: were they to differ, a code would reach somebody else than the address's owner.
  const domain = domainToASCII(typedDomain);
  const address = `${mailbox.toLowerCase()}@${domain}`;
  if (!asciiDomain.test(domain) || address.length > 254) return undefined;
  return { ok: true, channel: 'email', address, written: `${mailbox}@${domainToUnicode(domain)}` };
}

// Numbers that bill whoever calls or texts them: a form that texts them is a way to be paid (SMS pumping).
const numbersThatBill = ['PREMIUM_RATE', 'SHARED_COST', 'UAN', 'PAGER', 'VOICEMAIL'];

function parsePhone(typed: string, region: string): ({ ok: true } & Identifier) | undefined {
  if (typed.length > 40 || !/^\+?[\p{Nd}\p{Zs}().\-/\u2010-\u2015\uff0b]+$/u.test(typed)) return undefined;
  const number = parsePhoneNumberFromString(typed, {
    defaultCountry: region as CountryCode,
    extract: false,
  });
  if (!number?.isValid() || numbersThatBill.includes(number.getType() ?? '')) return undefined;
  return { ok: true, channel: 'phone', address: number.number, written: number.formatInternational() };
}
