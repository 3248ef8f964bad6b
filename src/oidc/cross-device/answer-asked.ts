import type { Provider } from 'oidc-provider';
import { minutes, seconds } from '../../kit/durations.ts';
import { type Outcome, refused } from '../../kit/outcome.ts';
import { newId } from '../../kit/secrets.ts';
import type { App, Services } from '../../services.ts';
import { decisionHolds } from '../decision.ts';
import { dropGrant } from '../end-grants.ts';
import { mintAskedGrant } from '../grant-minting.ts';
import { layout } from '../live-layout.ts';
import type { Asked } from './asked.ts';
import { type StoredAsked, writeAsked } from './asked-form.ts';

/**
 * Of the answers to one request (a double press, two tabs, yes here and no there) one is the decision, and only that one is
 * recorded and carried out: whoever takes it first. Where it came to nothing, since a store went away in between, it may be
 * taken anew a moment later. As takeDecision does for an interaction (decision.ts).
 */
export type TakenAsked = { asked: Asked; decision: string };

export async function takeAsked(
  { live, clock }: Pick<Services, 'live' | 'clock'>,
  asked: Asked,
): Promise<Outcome<TakenAsked, 'answered' | 'expired'>> {
  if (asked.state !== 'open') return refused(asked.state === 'expired' ? 'expired' : 'answered');
  const { stored } = asked.read;
  if (stored.taken && stored.taken.at > clock.now() - decisionHolds) return refused('answered');
  const decision = newId();
  const taken = await change({ live, clock }, asked, {
    ...stored,
    taken: { id: decision, at: clock.now() },
  });
  if (!taken) return refused('answered');
  // What an earlier try may have left, that got no further than its grant.
  await dropGrant({ live }, asked.id);
  return { ok: true, asked: taken, decision };
}

/** How and when the person proved who they are, for the ID token: it says what is true of the session that answered. */
export type ProvedBy = {
  sessionUid: string;
  authTime: number;
  amr: readonly string[];
  acr?: string | undefined;
};

/**
 * The decision was recorded (src/consents); from it comes the grant that the app will redeem. It hangs on no session: a
 * television goes on when the telephone it was allowed with signs out, and ends with the app's access, in the account. Whoever
 * was signed out before the grant was there gives nothing: their session is looked at once more (grant-minting.ts).
 */
export async function approveAsked(
  app: Pick<App, 'db' | 'live' | 'clock'> & { readonly provider: Provider },
  { asked }: TakenAsked,
  { accountId, names, proved }: { accountId: string; names: readonly string[]; proved: ProvedBy },
): Promise<Outcome<{ scopes: string[] }, 'gone'>> {
  const { id, clientId } = asked;
  const parties = { accountId, clientId, grantId: id, answeredIn: proved.sessionUid };
  const grant = await mintAskedGrant(app, parties, names);
  if (!grant) return refused('gone');
  const given = givenBy(grant, asked);
  const { taken: _taken, ...stored } = asked.read.stored;
  const approved = await change(app, asked, {
    ...stored,
    accountId,
    grantId: id,
    scope: given.join(' '),
    ...resourceOf(asked),
    ...claimsOf(asked),
    authTime: proved.authTime,
    amr: [...proved.amr],
    ...(proved.acr === undefined ? {} : { acr: proved.acr }),
  });
  if (approved) return { ok: true, scopes: given };
  await dropGrant(app, id);
  return refused('gone');
}

/** What the app asked for and the grant has: scopes of ours, and those of the APIs it named (RFC 8707). */
function givenBy(grant: InstanceType<Provider['Grant']>, { scopes, params }: Asked): string[] {
  const asked = new Set(scopes);
  const ofApis = resourcesIn(params).map((api) => grant.getResourceScopeFiltered(api, asked));
  return [...new Set([grant.getOIDCScopeFiltered(asked), ...ofApis].join(' ').split(' ').filter(Boolean))];
}

function resourceOf({ params }: Asked): Pick<StoredAsked, 'resource'> {
  const [first, ...more] = resourcesIn(params);
  if (first === undefined) return {};
  return { resource: more.length > 0 ? [first, ...more] : first };
}

/** Claims by name (OpenID Connect Core section 5.5); the engine has checked their form. Of a CIBA request it keeps them itself. */
function claimsOf({ kind, params }: Asked): Pick<StoredAsked, 'claims'> {
  const { claims } = params;
  return kind === 'DeviceCode' && claims !== undefined ? { claims: JSON.parse(claims) } : {};
}

function resourcesIn({ resource }: Asked['params']): string[] {
  return [(resource ?? []) as string | string[]].flat();
}

/** Leaves what was taken, where carrying it out came to nothing: pressed again, it may be taken at once. */
export async function leaveAsked(
  context: Pick<Services, 'live' | 'clock'>,
  { asked }: TakenAsked,
): Promise<void> {
  const { taken: _taken, ...stored } = asked.read.stored;
  await change(context, asked, stored);
}

export async function denyAsked(
  context: Pick<Services, 'live' | 'clock'>,
  { asked }: TakenAsked,
): Promise<Outcome<object, 'gone'>> {
  const { taken: _taken, ...stored } = asked.read.stored;
  const errorDescription = 'the person did not allow it';
  const denied = await change(context, asked, { ...stored, error: 'access_denied', errorDescription });
  return denied ? { ok: true } : refused('gone');
}

/** Compare and set. Undefined when somebody else changed it, or it is gone. */
async function change(
  { live, clock }: Pick<Services, 'live' | 'clock'>,
  asked: Asked,
  stored: StoredAsked,
): Promise<Asked | undefined> {
  const { value: before } = asked.read;
  const value = writeAsked(stored);
  const ttlMs = Math.max(1 * seconds, asked.expiresAt - clock.now()) + 10 * minutes;
  const key = layout.asked(asked.id);
  const written = await live.commit([{ do: 'replace', key, expect: before, value, ttlMs }]);
  const answered = stored.grantId !== undefined || stored['error'] !== undefined;
  if (written.ok && asked.accountId !== undefined && answered)
    await live.commit([{ do: 'strike', key: layout.accountAsked(asked.accountId), member: asked.id }]);
  return written.ok ? { ...asked, read: { value, stored } } : undefined;
}
