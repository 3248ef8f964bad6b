import type { Provider } from 'oidc-provider';
import { type Outcome, refused } from '../../kit/outcome.ts';
import { newId } from '../../kit/secrets.ts';
import type { App, Services } from '../../services.ts';
import type { LiveStep } from '../../store/live.ts';
import { decisionHolds } from '../decision.ts';
import { mintAskedGrant } from '../grant-minting.ts';
import { layout } from '../live-layout.ts';
import type { Asked } from './asked.ts';
import { type StoredAsked, writeAsked } from './asked-form.ts';
import { changeAsked, changeLater } from './change-asked.ts';

/**
 * Of the answers to one request (a double press, two tabs, yes here and no there) one is the decision, and only that one is
 * recorded and carried out: whoever takes it first. Where it came to nothing, since a store went away in between, it may be
 * taken anew a moment later. As takeDecision does for an interaction (decision.ts).
 */
export type TakenAsked = { asked: Asked };
type Context = Pick<Services, 'live' | 'clock' | 'log'>;

export async function takeAsked(
  context: Context,
  asked: Asked,
): Promise<Outcome<TakenAsked, 'answered' | 'expired'>> {
  if (asked.state !== 'open') return refused(asked.state === 'expired' ? 'expired' : 'answered');
  const { stored } = asked.read;
  const at = context.clock.now();
  if (stored.taken && stored.taken.at > at - decisionHolds(context)) return refused('answered');
  const ours = { ...stored, taken: { id: newId(), at } };
  const change = changeAsked(context, asked, ours);
  const taken = await change.catch((error) => leaveInDoubt(context, as(asked, ours), error));
  if (!taken) return refused('answered');
  await dropLeft(context, taken).catch((error) => leaveInDoubt(context, taken, error));
  return { ok: true, asked: taken };
}

/**
 * What an earlier try may have left, that got no further than its grant: only while the answer is ours, for who comes here late
 * would end the grant of the next one. Nor is it struck from the lists: that one has the same name and may stand there already.
 */
async function dropLeft({ live }: Context, taken: Asked): Promise<void> {
  await live.commit([stillOurs(taken), { do: 'take', key: layout.grant(taken.id) }]);
}

function stillOurs({ id, read }: Asked): LiveStep {
  return { do: 'expect', key: layout.asked(id), value: read.value };
}

function as(asked: Asked, stored: StoredAsked): Asked {
  return { ...asked, read: { value: writeAsked(stored), stored } };
}

function leaveInDoubt(context: Context, taken: Asked, error: unknown): never {
  changeLater(context, taken, untaken(taken));
  throw error;
}

function untaken({ read }: Asked): StoredAsked {
  const { taken: _taken, ...stored } = read.stored;
  return stored;
}

/** How and when the person proved who they are, for the ID token: it says what is true of the session that answered. */
export type ProvedBy = {
  sessionUid: string;
  authTime: number;
  amr: readonly string[];
  acr?: string | undefined;
};

type Approval = {
  accountId: string;
  names: readonly string[];
  proved: ProvedBy;
  /** Records and tells what is given, before it takes effect: it holds though nobody may hear that it did. */
  announce: (scopes: string[]) => Promise<void>;
};

/**
 * The decision was recorded (src/consents); from it comes the grant that the app will redeem. It hangs on no session: a
 * television goes on when the telephone it was allowed with signs out, and ends with the app's access, in the account. Whoever
 * was signed out before the grant was there gives nothing: their session is looked at once more (grant-minting.ts).
 */
export async function approveAsked(
  app: Pick<App, 'db' | 'live' | 'clock'> & { readonly provider: Provider },
  { asked }: TakenAsked,
  { accountId, names, proved, announce }: Approval,
): Promise<Outcome<object, 'gone'>> {
  const { id, clientId } = asked;
  const answeredIn = proved.sessionUid;
  const parties = { accountId, clientId, grantId: id, answeredIn, onlyWhile: stillOurs(asked) };
  const grant = await mintAskedGrant(app, parties, names);
  if (!grant) return refused('gone');
  const given = givenBy(grant, asked);
  await announce(given);
  const approved = await changeAsked(app, asked, {
    ...asked.read.stored,
    accountId,
    grantId: id,
    scope: given.join(' '),
    ...resourceOf(asked),
    ...claimsOf(asked),
    authTime: proved.authTime,
    amr: [...proved.amr],
    ...(proved.acr === undefined ? {} : { acr: proved.acr }),
  });
  // Whoever took the answer from us drops what we made, and what is there by now may be theirs.
  return approved ? { ok: true } : refused('gone');
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

/**
 * Leaves what was taken, where carrying it out came to nothing: pressed again, it may be taken at once, or as soon as the store
 * answers again.
 */
export async function leaveAsked(context: Context, { asked }: TakenAsked): Promise<void> {
  const to = untaken(asked);
  await changeAsked(context, asked, to).catch(() => changeLater(context, asked, to));
}

export async function denyAsked(context: Context, { asked }: TakenAsked): Promise<Outcome<object, 'gone'>> {
  const errorDescription = 'the person did not allow it';
  const refusal = { ...asked.read.stored, error: 'access_denied', errorDescription };
  return (await changeAsked(context, asked, refusal)) ? { ok: true } : refused('gone');
}
