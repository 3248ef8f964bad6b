import { setTimeout as sleep } from 'node:timers/promises';
import { basicOf, benchRedirectUri, offlineApp, resourceServer } from '../bench/apps.ts';
import type { Reply } from './asking.ts';
import { type Code, type Family, grantOf, type Member, verifier } from './crowd.ts';
import { hashOf, now } from './ledger.ts';
import type { Stage } from './stage.ts';

/** What an honest app does with codes and tokens, and what it knows from the answers. It comes again once when asked to. */
const comesAgainAfterMs = 2000;
/** Less than a code lives. */
export const codeIsGoodForMs = 50_000;

export async function redeem(stage: Stage, code: Code): Promise<Family | undefined> {
  const { asker, crowd, findings } = stage;
  const { member } = code;
  const grant = grantOf(code.code);
  const reply = await asker.ask(
    { kind: 'redeem', who: member.name, artefact: hashOf(code.code), grant, retry: code.retried },
    {
      path: '/token',
      headers: { ...basicOf(offlineApp), 'x-forwarded-for': member.address },
      form: {
        grant_type: 'authorization_code',
        code: code.code,
        redirect_uri: benchRedirectUri,
        code_verifier: verifier,
      },
    },
  );
  if (reply.status === 200) {
    crowd.spentCodes.push({ member, code: code.code, grant });
    return keepFamily(stage, member, reply);
  }
  if (
    reply.status === 503 &&
    now() - code.at < codeIsGoodForMs - comesAgainAfterMs &&
    !code.retried &&
    !code.once
  ) {
    await sleep(comesAgainAfterMs);
    return redeem(stage, { ...code, retried: true });
  }
  if (reply.status === 400 && now() - code.at < codeIsGoodForMs)
    findings.add(
      code.retried ? 'I6' : 'I3',
      code.retried
        ? 'a code was refused after a 503 that asked to come again'
        : 'a code that was given was refused',
      `${member.name} ${hashOf(code.code)}: ${reply.text.slice(0, 160)}`,
    );
  return undefined;
}

function keepFamily({ crowd, findings }: Stage, member: Member, reply: Reply): Family {
  const tokens = JSON.parse(reply.text) as Record<string, string>;
  const { sub } = JSON.parse(
    Buffer.from(String(tokens['id_token']).split('.')[1] ?? '', 'base64url').toString(),
  );
  member.sub ??= sub;
  if (member.sub !== sub) findings.add('I5', 'an ID token is about somebody else', member.name);
  const family: Family = {
    member,
    grant: grantOf(String(tokens['access_token'])),
    refreshToken: String(tokens['refresh_token']),
    accessToken: String(tokens['access_token']),
    spent: undefined,
    busy: false,
    state: 'live',
    doubtSince: undefined,
  };
  crowd.families.push(family);
  return family;
}

export async function refresh(stage: Stage, family: Family, retry = false): Promise<boolean> {
  family.busy = true;
  try {
    const reply = await askToRefresh(stage, family, retry);
    if (reply.status === 200) return true;
    if (reply.status === 400 || retry) return false;
    await sleep(comesAgainAfterMs);
    return await refresh(stage, family, true);
  } finally {
    family.busy = false;
  }
}

async function askToRefresh(stage: Stage, family: Family, retry: boolean): Promise<Reply> {
  const { member, grant, refreshToken: shown } = family;
  const reply = await stage.asker.ask(
    { kind: 'refresh', who: member.name, artefact: hashOf(shown), grant, retry },
    {
      path: '/token',
      headers: { ...basicOf(offlineApp), 'x-forwarded-for': member.address },
      form: { grant_type: 'refresh_token', refresh_token: shown },
    },
  );
  if (reply.status === 200) {
    const tokens = JSON.parse(reply.text) as Record<string, string>;
    Object.assign(family, {
      refreshToken: String(tokens['refresh_token']),
      accessToken: String(tokens['access_token']),
      spent: { token: shown, at: now() },
      doubtSince: undefined,
    });
  } else if (reply.status === 400) {
    family.state = 'lost';
    const inDoubt = family.doubtSince !== undefined;
    stage.findings.add(
      inDoubt ? 'I6' : 'I3',
      inDoubt
        ? 'a refresh token was refused after an answer that asked to come again'
        : 'a refresh token that was given was refused',
      `${member.name} ${grant}${inDoubt ? ` ${Math.round(now() - Number(family.doubtSince))} ms later` : ''}: ${reply.text.slice(0, 160)}`,
    );
  } else family.doubtSince ??= reply.entry.start;
  return reply;
}

export async function introspect(
  { asker }: Stage,
  family: Family,
  { port, probe = false }: { port?: number; probe?: boolean } = {},
): Promise<{ status: number; active: unknown; sub: unknown }> {
  const reply = await asker.ask(
    {
      kind: probe ? 'probe' : 'introspect',
      who: family.member.name,
      artefact: hashOf(family.accessToken),
      grant: family.grant,
    },
    {
      path: '/introspect',
      headers: { ...basicOf(resourceServer), 'x-forwarded-for': '100.127.0.1' },
      form: { token: family.accessToken, token_type_hint: 'access_token' },
      ...(port === undefined ? {} : { port }),
    },
  );
  const { active, sub } = reply.status === 200 ? JSON.parse(reply.text) : {};
  return { status: reply.status, active, sub };
}

export async function userinfo(
  { asker }: Stage,
  family: Family,
): Promise<{ status: number; email: unknown; sub: unknown }> {
  const reply = await asker.ask(
    { kind: 'userinfo', who: family.member.name, artefact: hashOf(family.accessToken), grant: family.grant },
    { path: '/userinfo', headers: { authorization: `Bearer ${family.accessToken}` } },
  );
  const { email, sub } = reply.status === 200 ? JSON.parse(reply.text) : {};
  return { status: reply.status, email, sub };
}

/** The whole grant, as an app does when the person leaves it (RFC 7009). Answers whether it was acknowledged. */
export async function revoke({ asker }: Stage, family: Family): Promise<boolean> {
  const reply = await asker.ask(
    { kind: 'revoke', who: family.member.name, artefact: hashOf(family.refreshToken), grant: family.grant },
    {
      path: '/revoke',
      headers: { ...basicOf(offlineApp), 'x-forwarded-for': family.member.address },
      form: { token: family.refreshToken, token_type_hint: 'refresh_token' },
    },
  );
  return reply.status === 200;
}
