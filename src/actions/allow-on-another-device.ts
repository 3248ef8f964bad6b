import type { Client } from '../../clients/registry/registry.ts';
import { recordEvent } from '../audit/record.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { notePing } from '../oidc/ciba/pings.ts';
import {
  approveAsked,
  leaveAsked,
  type ProvedBy,
  type TakenAsked,
  takeAsked,
} from '../oidc/cross-device/answer-asked.ts';
import type { Asked } from '../oidc/cross-device/asked.ts';
import { isStillSignedIn } from '../oidc/still-signed-in.ts';
import type { App } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { giveConsent } from './give-consent.ts';
import { notifyAccount } from './notify-account.ts';

type Allowed = {
  asked: Asked;
  accountId: string;
  client: Client;
  /** What the page showed, and the optional ones that were left ticked. */
  scopes: readonly string[];
  ticked: readonly string[];
  isOptional: (scope: string) => boolean;
  proved: ProvedBy;
  locale: Locale;
};

/**
 * A person lets an app in that asked on another device, by a code (RFC 8628) or by their name (CIBA). First the answer is
 * taken, so that of several one counts; then it is recorded, and takes effect after. They are always told: who was
 * talked into it learns it from the message.
 */
export async function allowOnAnotherDevice(
  app: App,
  allowed: Allowed,
  from: RequestSource,
): Promise<Outcome<object, 'answered' | 'expired' | 'gone'>> {
  const taken = await takeAsked(app, allowed.asked);
  if (!taken.ok) return taken;
  try {
    const done = await carryOut(app, taken, allowed, from);
    if (!done.ok) await leaveAsked(app, taken);
    return done;
  } catch (error) {
    await leaveAsked(app, taken);
    throw error;
  }
}

async function carryOut(
  app: App,
  taken: TakenAsked,
  allowed: Allowed,
  from: RequestSource,
): Promise<Outcome<object, 'gone'>> {
  const { asked, accountId, client, scopes, ticked, isOptional, proved, locale } = allowed;
  // What is said in a session that just ended is not even recorded; the grant asks once more, last (grant-minting.ts).
  if (!(await isStillSignedIn(app, { accountId, sessionUid: proved.sessionUid }))) return refused('gone');
  if (!client.metadata.first_party)
    await giveConsent(
      app,
      { accountId, client, asked: scopes, ticked, isOptional, locale, quietly: asked.kind === 'DeviceCode' },
      from,
    );
  const announce = (given: string[]) => tell(app, allowed, given, from);
  const approved = await approveAsked(app, taken, { accountId, names: scopes, proved, announce });
  if (approved.ok) await notePing(app, asked);
  return approved;
}

/** Of a device also by a message: consent was not told then (`quietly`). */
async function tell(
  app: App,
  { asked, accountId, client, locale }: Allowed,
  scopes: string[],
  from: RequestSource,
): Promise<void> {
  const { clientId, metadata } = client;
  const isDevice = asked.kind === 'DeviceCode';
  const event = { accountId, clientId, detail: { scopes, address: asked.device.ip } };
  await recordEvent(app, { type: isDevice ? 'device.allowed' : 'ciba.allowed', ...event }, from);
  if (!isDevice) return;
  const values = { app: metadata.client_name };
  await notifyAccount(app, { accountId, pageLocale: locale, template: 'device_allowed', values });
}
