import { fromAccountIndex, fromClientIndex, layout } from '../../src/oidc/live-layout.ts';
import { allMembers } from '../../src/store/live-members.ts';
import type { Person } from './person.ts';
import type { RelyingParty } from './relying-party.ts';
import type { TwoWorlds } from './two-worlds.ts';
import { newAddress, send } from './wire.ts';
import type { TestAccount } from './world.ts';

/** Somebody's session in use: with one app that has access while it lasts, and with one that was allowed more. */
export type UsedSession = {
  person: Person;
  account: TestAccount;
  uid: string;
  cookie: string;
  tokens: { bound: string; 'bound under a lasting grant': string; lasting: string };
  /** The grants that are to end with it. */
  grantIds: string[];
};
export type TwoApps = { bound: RelyingParty; lasting: RelyingParty };

/** What is left of a session that has ended: what the person allowed for the time when nobody is there. */
export const onlyLasting = ['token: lasting'];

export async function useSession(
  { world }: TwoWorlds,
  { bound, lasting }: TwoApps,
  account: TestAccount,
): Promise<UsedSession> {
  const person = world.person();
  const { live } = world.services;
  const one = await bound.signsIn(person, account);
  const two = await lasting.signsIn(person, account, { scope: 'openid offline_access' });
  const three = await lasting.signsIn(person, account);
  await person.goes(`${world.issuer}/account`);
  const cookie = person.cookieHeader();
  const uid = /session=([\w-]{43})\./.exec(cookie)?.[1] ?? '';
  const listed = (await allMembers({ live }, layout.accountGrants(account.accountId)))
    .map(({ member }) => fromAccountIndex(account.accountId, member))
    .filter(({ session }) => uid.startsWith(String(session)));
  const grantIds = listed.filter(({ clientId }) => clientId === bound.clientId).map(({ grantId }) => grantId);
  if (listed.length < 2 || grantIds.length < 1) throw new Error('a session with two grants was to be made');
  const tokens = {
    bound: one.access_token,
    'bound under a lasting grant': three.access_token,
    lasting: two.access_token,
  };
  return { person, account, uid, cookie, tokens, grantIds };
}

/** In words: who is let in at either server, and what the store still has. */
export async function whatRemains(pair: TwoWorlds, apps: TwoApps, used: UsedSession): Promise<string[]> {
  const nodes = [pair.world, pair.beside];
  const found = await Promise.all([
    ...nodes.map(async (node) => ((await isLetIn(node, used.cookie)) ? ['the cookie'] : [])),
    ...nodes.flatMap(({ port }) =>
      Object.entries(used.tokens).map(async ([name, token]) =>
        (await isGood(apps.bound.endpoint('userinfo'), token, port)) ? [`token: ${name}`] : [],
      ),
    ),
    stored(pair, apps, used),
  ]);
  return [...new Set(found.flat())].sort();
}

async function isLetIn({ issuer, port }: { issuer: string; port: number }, cookie: string): Promise<boolean> {
  const headers = { cookie, 'x-forwarded-for': newAddress() };
  const { status, headers: told } = await send(`${issuer}/account`, { headers, port });
  if (status === 200) return true;
  if (status === 303 && told.location?.startsWith('/authorize')) return false;
  throw new Error(`neither let in nor asked to sign in: ${status}`);
}

async function isGood(userinfo: string, token: string, port: number): Promise<boolean> {
  const { status } = await send(userinfo, { headers: { authorization: `Bearer ${token}` }, port });
  if (status !== 200 && status !== 401) throw new Error(`userinfo answered ${status}`);
  return status === 200;
}

async function stored({ world }: TwoWorlds, { bound }: TwoApps, { uid, account, grantIds }: UsedSession) {
  const { live } = world.services;
  const { accountId } = account;
  const [sessions, grants, ofClient, session] = await Promise.all([
    allMembers({ live }, layout.accountSessions(accountId)),
    allMembers({ live }, layout.accountGrants(accountId)),
    allMembers({ live }, layout.clientGrants(bound.clientId)),
    live.read([layout.session(uid)]),
  ]);
  const isOurs = ({ grantId }: { grantId: string }) => grantIds.includes(grantId);
  return [
    ...(session[0] ? ['the session'] : []),
    ...(sessions.some(({ member }) => member === uid) ? ['index: sessions'] : []),
    ...(grants.some(({ member }) => isOurs(fromAccountIndex(accountId, member))) ? ['index: grants'] : []),
    ...(ofClient.some(({ member }) => isOurs(fromClientIndex(bound.clientId, member)))
      ? ['index: grants of the app']
      : []),
  ];
}
