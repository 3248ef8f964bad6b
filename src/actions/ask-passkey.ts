import type { Passkey } from '../credentials/passkeys.ts';
import { type ChallengeFor, issueChallenge } from '../credentials/webauthn-challenges.ts';
import { type RequestOptions, requestOptions } from '../credentials/webauthn-options.ts';
import { relyingParty } from '../credentials/webauthn-party.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { type Limited, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

export type PasskeyContext = Pick<
  Services,
  'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'
>;

/** Whether browsers can have passkeys of us at all: not where the issuer is a bare address. */
export function passkeysWork({ settings }: Pick<Services, 'settings'>): boolean {
  return relyingParty(settings) !== undefined;
}

/**
 * What the page's script asks the browser for a passkey with. `allowed` names keys only to somebody who has proved whose they
 * are; on the first page nobody has, so there the list is empty for everybody, and no answer of ours tells who has an
 * account or a passkey (WebAuthn section 14.6.2, misuse case WA-11).
 */
export async function askForPasskey(
  app: PasskeyContext,
  asked: ChallengeFor & {
    userVerification: 'required' | 'preferred' | 'discouraged';
    allowed: readonly Passkey[];
  },
  from: RequestSource,
): Promise<Outcome<{ options: RequestOptions }, 'unavailable'> | Limited> {
  const party = relyingParty(app.settings);
  if (!party) return refused('unavailable');
  const room = await takeFromLimits(app, [{ limit: 'passkey_by_address', key: from.ip }]);
  if (!room.ok) return room;
  const { userVerification, allowed } = asked;
  const challenge = await issueChallenge(app, asked);
  return { ok: true, options: requestOptions({ party, challenge, userVerification, allowed }) };
}
