import { createHash } from 'node:crypto';
import { Person } from '../../test/support/person.ts';
import type { BenchApp } from './apps.ts';
import { basicOf, benchPassword, benchRedirectUri, personAddress } from './apps.ts';
import type { Target } from './targets.ts';
import { type Answered, headerOf, openWire, requestText, type Wire } from './wire.ts';

/** A person with a session at a target who allowed an app, and what their browser and that app send from then on. */
export type Member = {
  number: number;
  /** GET /authorize with the session; each time from another address once the last was used often. */
  authorize(): string;
  redeem(code: string): string;
};

const verifier = 'a-code-verifier-of-the-bench-that-is-as-long-as-they-are-usually';
const challenge = createHash('sha256').update(verifier).digest('base64url');

export function authorizePath(app: BenchApp, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({
    client_id: app.clientId,
    response_type: 'code',
    redirect_uri: benchRedirectUri,
    scope: String(app.metadata['scope']),
    state: 'a-state-of-the-bench-0123456789',
    nonce: 'a-nonce-of-the-bench-0123456789',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  });
  return `/authorize?${query}`;
}

/** Signs the person in to the app by the pages, allows what it asks, and keeps the cookies. */
export async function signIn(target: Target, app: BenchApp, number: number): Promise<Member> {
  const { issuer, port } = target;
  const person = new Person({
    reach: (origin) => (origin === issuer ? port : undefined),
    address: nextAddress(),
  });
  await person.goes(
    `${issuer}${authorizePath(app, target.ours ? {} : { login_hint: `person${number}`, prompt: 'login' })}`,
  );
  if (!person.left) await person.submits({ identifier: personAddress(number), password: benchPassword });
  if (!person.left) await person.decides('allow');
  if (!person.left?.searchParams.has('code')) throw new Error(`${target.name}: nobody could sign in`);
  const cookie = person.cookieHeader(`${issuer}/authorize`);
  const host = new URL(issuer).host;
  return {
    number,
    authorize: () =>
      requestText(host, {
        path: authorizePath(app),
        headers: { cookie, 'user-agent': 'bench', 'x-forwarded-for': nextAddress() },
      }),
    redeem: (code) =>
      requestText(host, {
        path: '/token',
        headers: basicOf(app),
        form: {
          grant_type: 'authorization_code',
          code,
          redirect_uri: benchRedirectUri,
          code_verifier: verifier,
        },
      }),
  };
}

export function codeOf(answered: Answered): string {
  const location = headerOf(answered, 'location');
  const code = location && new URL(location, 'http://localhost').searchParams.get('code');
  if (!code) throw new Error(`no code: ${answered.status} ${location ?? answered.body.slice(0, 300)}`);
  return code;
}

export function tokensOf(answered: Answered): Record<string, string> {
  if (answered.status !== 200)
    throw new Error(`no tokens: ${answered.status} ${answered.body.slice(0, 300)}`);
  return JSON.parse(answered.body) as Record<string, string>;
}

/** Tokens of a fresh grant for each of the members. */
export async function tokensFor(target: Target, members: readonly Member[]) {
  return withWire(target, async (wire) => {
    const tokens: Record<string, string>[] = [];
    for (const member of members) {
      const code = codeOf(await wire.send(member.authorize()));
      tokens.push(tokensOf(await wire.send(member.redeem(code))));
    }
    return tokens;
  });
}

export async function withWire<Result>(
  { port }: Pick<Target, 'port'>,
  work: (wire: Wire) => Promise<Result>,
): Promise<Result> {
  const wire = await openWire(port);
  try {
    return await work(wire);
  } finally {
    wire.close();
  }
}

let requests = 0;

/** An address of a household: a hundred requests come from it, then the next one's turn is. */
export function nextAddress(): string {
  const place = Math.floor(requests++ / 100);
  return `100.${64 + ((place >> 16) & 63)}.${(place >> 8) & 255}.${place & 255}`;
}
