import { recordEvent } from '../audit/record.ts';
import { noteCopySuspected, type PasskeyAnswer } from '../credentials/passkeys-use.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import type { PasskeyContext } from './ask-passkey.ts';
import { notifyAccount } from './notify-account.ts';

type Refused = Extract<PasskeyAnswer, { ok: false }>;
type Visit = { locale: Locale; from: RequestSource };

/** What a refused sign-in by passkey leaves behind: one event, with the account when the key is known. */
export async function noteRefusedPasskey(app: PasskeyContext, refused: Refused, visit: Visit): Promise<void> {
  const { reason, passkey } = refused;
  const detail = { reason, ...(passkey && { credential: passkey.id }) };
  const accountId = passkey?.accountId;
  await recordEvent(app, { type: 'passkey.refused', accountId, detail }, visit.from);
  await warnOfCopy(app, refused, visit);
}

/**
 * A counter that went back means that two devices hold one key (WebAuthn section 6.1.1). That use is refused, the key is
 * marked, and its owner is told the first time. The key itself stays: the owner decides, and until then the device that is
 * ahead still works.
 */
export async function warnOfCopy(
  app: PasskeyContext,
  { reason, passkey }: Refused,
  { locale, from }: Visit,
): Promise<void> {
  if (reason !== 'counter_went_back' || !passkey || !(await noteCopySuspected(app, passkey.id))) return;
  const { accountId, id, name } = passkey;
  const detail = { credential: id };
  await recordEvent(app, { type: 'passkey.copy_suspected', accountId, detail }, from);
  const told = { template: 'passkey_copied', values: { passkey: name } } as const;
  await notifyAccount(app, { accountId, pageLocale: locale, ...told });
}
