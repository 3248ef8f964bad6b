import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { Services } from '../services.ts';
import { giveBack, type Take } from './limits.ts';

/**
 * What bounds the sending of codes, narrow limits first. Text messages cost money, and somebody earns it: numbers of a
 * range that pays its owner for each message are typed into a form by a machine, from many addresses (SMS pumping).
 * Nobody there types the code in. So what is counted by range and by country is given back when a code comes back, and
 * honest traffic, however much, never fills these.
 */
type Contact = { channel: 'email' | 'phone'; address: string };

/** `address` in E.164 for a number; `ip` is the sender's. */
export function messageTakes(
  { seals, settings }: Pick<Services, 'seals' | 'settings'>,
  { channel, address }: Contact,
  { ip }: { ip: string },
): Take[] {
  const text = channel === 'phone';
  return [
    { limit: 'code_by_contact', key: seals.mac('code contact', `${channel} ${address}`) },
    { limit: 'code_by_address', key: ip },
    { limit: 'code_by_network', key: ip },
    ...(text ? numberTakes({ settings }, address) : []),
    ...(text ? [{ limit: 'text_by_everyone', max: settings.TEXTS_PER_HOUR } as const] : []),
    { limit: 'code_by_everyone' },
  ];
}

/** What bounds notices by text message. They go to proved numbers only, which those who pump can have too. */
export function noticeTakes(
  { seals, settings }: Pick<Services, 'seals' | 'settings'>,
  address: string,
): Take[] {
  return [
    { limit: 'notice_text_by_number', key: seals.mac('notice number', address) },
    { limit: 'notice_text_by_number_block', key: address.slice(0, -4) },
    { limit: 'notice_text_by_everyone', max: settings.TEXTS_PER_HOUR },
  ];
}

/** A code that was sent to this number came back: somebody reads its messages who wanted them. */
export async function codeCameBack(
  ctx: Pick<Services, 'live' | 'db' | 'clock' | 'settings'>,
  { channel, address }: Contact,
): Promise<void> {
  if (channel === 'phone') await giveBack(ctx, numberTakes(ctx, address));
}

/** Whether text messages go to where this number is (TEXT_COUNTRIES). */
export function textsReach({ TEXT_COUNTRIES }: Services['settings'], address: string): boolean {
  return TEXT_COUNTRIES.length === 0 || TEXT_COUNTRIES.includes(countryOf(address));
}

function numberTakes({ settings }: Pick<Services, 'settings'>, address: string): Take[] {
  return [
    { limit: 'code_by_number_block', key: address.slice(0, -4) },
    { limit: 'text_by_country', key: countryOf(address), max: Math.ceil(settings.TEXTS_PER_HOUR / 2) },
  ];
}

/** ISO 3166-1 alpha-2. Some calling codes are shared by countries with very different prices, +1 above all. */
function countryOf(address: string): string {
  const number = parsePhoneNumberFromString(address);
  return number?.country ?? `+${number?.countryCallingCode ?? ''}`;
}
