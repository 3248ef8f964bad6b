import type { Services } from '../../services.ts';
import { allMembers } from '../../store/live-members.ts';
import { grantIdShape, layout } from '../live-layout.ts';
import { type AskedKind, readAsked, type StoredAsked } from './asked-form.ts';
import { userCodeDigest } from './asked-records.ts';

/** What an app asked for on another device, for the pages and verbs that let a person answer it. Times in epoch milliseconds. */
export type Asked = {
  /** Names it; finds it and lets nobody in. */
  id: string;
  kind: AskedKind;
  clientId: string;
  /** Whom it is for; a device does not say. */
  accountId: string | undefined;
  scopes: string[];
  /** The request's parameters (RFC 8628 section 3.1, CIBA Core section 7.1). */
  params: Record<string, string | undefined>;
  /** Where the device, or the app that speaks for it, asked from. */
  device: { ip: string; userAgent: string };
  askedAt: number;
  expiresAt: number;
  state: 'open' | 'expired' | 'approved' | 'denied';
  /** What was read, to change it only if it is still that. */
  read: { value: string; stored: StoredAsked };
};

type Context = Pick<Services, 'live' | 'clock' | 'seals'>;

export async function findAsked(
  { live, clock }: Pick<Context, 'live' | 'clock'>,
  id: string,
): Promise<Asked | undefined> {
  if (!grantIdShape.test(id)) return undefined;
  const [entry] = await live.read([layout.asked(id)]);
  if (!entry) return undefined;
  const stored = readAsked(entry.value);
  const expiresAt = (stored.exp ?? 0) * 1000;
  const { ip = '', userAgent = '' } = stored.deviceInfo ?? {};
  const params = (stored.params ?? {}) as Asked['params'];
  return {
    id,
    kind: stored.kind,
    clientId: stored.clientId,
    accountId: stored.accountId,
    scopes: (stored.scope ?? params['scope'] ?? '').split(' ').filter(Boolean),
    params,
    device: { ip, userAgent },
    askedAt: (stored.iat ?? 0) * 1000,
    expiresAt,
    state: stateOf(stored, expiresAt <= clock.now()),
    read: { value: entry.value, stored },
  };
}

function stateOf({ grantId, error }: StoredAsked, over: boolean): Asked['state'] {
  if (grantId !== undefined) return 'approved';
  if (error !== undefined) return 'denied';
  return over ? 'expired' : 'open';
}

/** `userCode` as user-code.ts normalises it. */
export async function findByUserCode(context: Context, userCode: string): Promise<Asked | undefined> {
  const [pointer] = await context.live.read([layout.userCode(userCodeDigest(context, userCode))]);
  const asked = pointer && (await findAsked(context, pointer.value));
  return asked?.kind === 'DeviceCode' ? asked : undefined;
}

/** The CIBA requests that wait for this person, the newest first. */
export async function listAsked(
  context: Pick<Context, 'live' | 'clock'>,
  accountId: string,
): Promise<Asked[]> {
  const members = await allMembers(context, layout.accountAsked(accountId));
  const found = await Promise.all(members.map(({ member }) => findAsked(context, member)));
  return found
    .filter((asked) => asked !== undefined)
    .filter((asked) => asked.accountId === accountId && asked.state === 'open')
    .sort((one, other) => other.askedAt - one.askedAt);
}
