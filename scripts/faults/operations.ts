import { setTimeout as sleep } from 'node:timers/promises';
import { CookieJar } from 'tough-cookie';
import { benchPassword } from '../bench/apps.ts';
import type { Asked, Form, Reply } from './asking.ts';
import { askPath, type Family, type Member } from './crowd.ts';
import { hashOf, type Kind, now } from './ledger.ts';
import type { Stage } from './stage.ts';
import { codeIsGoodForMs, introspect, redeem, refresh, revoke, userinfo } from './tokens.ts';

/** The mix of the document (section 1), in parts of a hundred, and besides it now and then somebody who ends something. */
export const mix: readonly { name: string; share: number; work(stage: Stage): Promise<void> }[] = [
  { name: 'password sign-in', share: 5, work: signInWithPassword },
  { name: 'authorize with a session', share: 15, work: authorize },
  { name: 'code redemption', share: 20, work: redeemOldest },
  { name: 'refresh', share: 25, work: refreshSome },
  { name: 'introspection', share: 25, work: introspectSome },
  { name: 'userinfo', share: 10, work: readUserinfo },
  { name: 'revocation', share: 1, work: revokeSome },
];

async function authorize(stage: Stage): Promise<void> {
  const { members } = stage.crowd;
  await authorizeOnce(stage, members[Math.floor(stage.random() * members.length)] as Member);
}

/** Somebody with a session comes from the app and goes back with a code. */
export async function authorizeOnce(stage: Stage, member: Member): Promise<void> {
  const reply = await visit(stage, member, 'authorize', {
    path: askPath(),
    headers: { cookie: member.cookie },
  });
  if (reply.status !== 303) return;
  const code = codeIn(reply);
  if (code) stage.crowd.codes.push({ member, code, at: now(), retried: false });
  else
    stage.findings.add('I3', 'a session that was open is not', `${member.name}: ${reply.headers.location}`);
}

async function redeemOldest(stage: Stage): Promise<void> {
  const { codes } = stage.crowd;
  while (codes[0] && now() - codes[0].at > codeIsGoodForMs - 5000) codes.shift();
  const code = codes.shift();
  if (code) await redeem(stage, code);
  else await authorize(stage);
}

/** One that is at rest, or nothing to do: the load keeps its rate all the same. */
function pick({ crowd, random }: Stage): Family | undefined {
  const free = crowd.families.filter(({ busy, state }) => !busy && state === 'live');
  return free[Math.floor(random() * free.length)];
}

async function refreshSome(stage: Stage): Promise<void> {
  const family = pick(stage);
  if (family) await refresh(stage, family);
}

async function introspectSome(stage: Stage): Promise<void> {
  const family = pick(stage);
  if (!family) return;
  const { accessToken } = family;
  const { status, active } = await introspect(stage, family);
  const unchanged = family.state === 'live' && family.accessToken === accessToken;
  if (status === 200 && active !== true && unchanged) lost(stage, family, 'introspection');
}

async function readUserinfo(stage: Stage): Promise<void> {
  const family = pick(stage);
  if (!family) return;
  const { member, accessToken } = family;
  const { status, email, sub } = await userinfo(stage, family);
  if (status === 401 && family.state === 'live' && family.accessToken === accessToken)
    lost(stage, family, 'userinfo');
  if (status === 200 && (email !== member.email || sub !== member.sub))
    stage.findings.add('I5', 'userinfo is about somebody else', `${member.name}: ${email}`);
}

function lost({ findings }: Stage, family: Family, where: string): void {
  family.state = 'lost';
  findings.add(
    'I3',
    'an access token that was given is not active',
    `${where} ${family.member.name} ${family.grant}`,
  );
}

/** Of somebody with one sign-in and no more: a grant is of a browser and an app, and all of its tokens go with it. */
async function revokeSome(stage: Stage): Promise<void> {
  const { bed, crowd, findings } = stage;
  const family = crowd.families.find(({ busy, state, member }) => !busy && state === 'live' && member.walks);
  if (!family) return;
  family.state = 'revoking';
  if (!(await revoke(stage, family))) {
    await sleep(2000);
    if (!(await revoke(stage, family))) return;
  }
  family.state = 'revoked';
  await Promise.all(
    bed.nodes.map(async ({ port, name }) => {
      const { active } = await introspect(stage, family, { port, probe: true });
      if (active === true) findings.add('I4', 'a revoked token still works', `on ${name}, ${family.grant}`);
    }),
  );
}

/** Somebody without a session, from the app to the code; half of them sign out afterwards. */
async function signInWithPassword(stage: Stage): Promise<void> {
  const { crowd } = stage;
  const member = crowd.walkers.shift() as Member;
  crowd.walkers.push(member);
  const jar = new CookieJar();
  const go = (kind: Kind, url: string, form?: Form) => travel(stage, member, jar, kind, url, form);

  const begun = await go('authorize', askPath());
  if (begun.status !== 303) return;
  const page = pathOf(begun);
  if ((await go('page', page)).status !== 200) return;
  let answer = await go('password', `${page}/password`, {
    identifier: member.email,
    password: benchPassword,
  });
  if (answer.status !== 303) return;
  answer = await go('resume', pathOf(answer));
  if (answer.status === 303 && pathOf(answer).startsWith('/interaction/')) {
    const consent = pathOf(answer);
    answer = await go('consent', `${consent}/consent`, {
      decision: 'allow',
      scope: ['profile', 'email', 'offline_access'],
    });
    if (answer.status !== 303) return;
    answer = await go('resume', pathOf(answer));
  }
  const code = codeIn(answer);
  if (!code) return;
  crowd.codes.push({ member, code, at: now(), retried: false });
  if (stage.random() < 0.5) await signOut(stage, member, jar);
}

async function signOut(stage: Stage, member: Member, jar: CookieJar): Promise<void> {
  const cookie = jar.getCookieStringSync(stage.bed.issuer);
  const left = await travel(stage, member, jar, 'sign_out', '/account/sign-out', {});
  if (left.status !== 303) return;
  const ended = { member, cookie };
  stage.crowd.ended.push(ended);
  await Promise.all(stage.bed.nodes.map((node) => mustBeSignedOut(stage, ended, node)));
}

/** The cookie of a session that was ended must not open anything, at no node. */
export async function mustBeSignedOut(
  stage: Stage,
  { member, cookie }: { member: Member; cookie: string },
  node: { name: string; port: number },
): Promise<void> {
  const reply = await visit(stage, member, 'probe', {
    path: askPath({ prompt: 'none' }),
    headers: { cookie },
    port: node.port,
  });
  if (reply.status === 303 && codeIn(reply))
    stage.findings.add('I4', 'a session that was ended still opens', `${member.name} on ${node.name}`);
}

/** One request of a browser; where it is sent is not followed. */
export function visit(stage: Stage, member: Member, kind: Kind, asked: Asked): Promise<Reply> {
  const headers = {
    accept: 'text/html',
    'user-agent': 'Mozilla/5.0 (faults)',
    'x-forwarded-for': member.address,
    'sec-fetch-site': 'same-origin',
    ...asked.headers,
  };
  return stage.asker.ask({ kind, who: member.name, artefact: hashOf(asked.path) }, { ...asked, headers });
}

async function travel(
  stage: Stage,
  member: Member,
  jar: CookieJar,
  kind: Kind,
  path: string,
  form?: Form,
): Promise<Reply> {
  const url = `${stage.bed.issuer}${path}`;
  const cookie = await jar.getCookieString(url);
  const reply = await visit(stage, member, kind, {
    path,
    headers: { cookie: cookie || undefined },
    ...(form ? { form } : {}),
  });
  for (const line of reply.headers['set-cookie'] ?? []) await jar.setCookie(line, url);
  return reply;
}

function pathOf({ headers }: Reply): string {
  const { pathname, search } = new URL(headers.location ?? '', 'https://nowhere.test');
  return pathname + search;
}

export function codeIn({ headers }: Reply): string | undefined {
  if (!headers.location) return undefined;
  return new URL(headers.location, 'https://nowhere.test').searchParams.get('code') ?? undefined;
}
