import { createHash } from 'node:crypto';
import { minutes, seconds } from '../kit/durations.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import { newId, sameSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { commitTwice } from '../store/once-more.ts';
import { addressBucket } from './address-bucket.ts';
import { type LimitContext, type Limited, takeFromLimits } from './limits.ts';
import type { Door } from './pressure.ts';

/**
 * What trying costs under pressure (pressure.ts): the browser proves some work, which a person does not notice and a machine that tries
 * a thousand times pays for. No puzzle, nothing to read or to remember (WCAG 3.3.8), nobody else's service.
 *
 * A challenge is `<payload>.<mac>`: the payload says which door it opens, when it was made and how hard it is; the mac
 * covers the sender's address too. Nothing is stored until it is spent, once, by one atomic step.
 *
 *   made ──┬── answered: `parts` numbers whose hashes begin with zeros ──┬──► spent
 *          └── not answered, but `waitMs` old (no scripts: see below) ───┘
 *          └── ten minutes old ──► over
 *
 * Where no scripts run, waiting stands in for the work. Many challenges can wait side by side, so of waits an address has
 * a few only; the work has no such limit.
 */
export const waitMs = 20 * seconds;
/** Several small searches: their sum varies less than one large one, and progress can be shown. */
export const parts = 8;
const lifeMs = 10 * minutes;

export type Challenge = { token: string; bitsOfPart: number };
type Payload = { id: string; door: Door; bits: number; at: number };
type Context = LimitContext & Pick<Services, 'settings'>;

export function makeChallenge(
  { seals, clock, settings }: Pick<Services, 'seals' | 'clock' | 'settings'>,
  { door, ip }: { door: Door; ip: string },
): Challenge {
  const payload: Payload = { id: newId(), door, bits: settings.CHALLENGE_BITS, at: clock.now() };
  const text = Buffer.from(JSON.stringify(payload)).toString('base64url');
  return { token: `${text}.${macOf(seals, text, ip)}`, bitsOfPart: bitsOfPart(payload) };
}

export type ChallengeRefusal =
  /** None came, or it is another door's, another sender's, too old, or was spent. */
  'not_good' | 'wrong_answer';
export type TooSoon = { ok: false; reason: 'too_soon'; seconds: number };

/** The challenge of a form that was not looked at yet: it goes on, or who waits would begin to wait anew. */
export function keptChallenge(
  ctx: Pick<Services, 'seals' | 'clock'>,
  { door, ip, token }: { door: Door; ip: string; token: string },
): Challenge | undefined {
  const payload = readPayload(ctx, { token, ip });
  if (!payload || !isOpen(ctx, payload, door)) return undefined;
  return { token, bitsOfPart: bitsOfPart(payload) };
}

/** Spends a challenge that was answered or waited for. */
export async function takeChallenge(
  ctx: Context,
  { door, ip, token, answer }: { door: Door; ip: string; token: string; answer: string },
): Promise<Outcome<object, ChallengeRefusal> | TooSoon | Limited> {
  const payload = readPayload(ctx, { token, ip });
  if (!payload || !isOpen(ctx, payload, door)) return noted(ctx, 'refused', refused('not_good'));
  if (answer !== '' && !isAnswer({ token, payload }, answer))
    return noted(ctx, 'refused', refused('wrong_answer'));
  const toWait = payload.at + waitMs - ctx.clock.now();
  if (answer === '' && toWait > 0)
    return { ok: false, reason: 'too_soon', seconds: Math.ceil(toWait / 1000) };
  const waited = answer === '' ? await takeFromLimits(ctx, [{ limit: 'wait_by_address', key: ip }]) : done;
  if (!waited.ok) return waited;
  const key = `{challenge.${payload.id}}:spent` as const;
  const spent = await commitTwice(ctx, [{ do: 'add', key, value: newId(), ttlMs: lifeMs }]);
  if (!spent.ok) return noted(ctx, 'refused', refused('not_good'));
  return noted(ctx, answer === '' ? 'waited' : 'solved', done);
}

function isOpen({ clock }: Pick<Services, 'clock'>, payload: Payload, door: Door): boolean {
  const age = clock.now() - payload.at;
  return payload.door === door && age >= 0 && age < lifeMs;
}

/** SHA-256 over the token's mac, the part and the number begins with `bitsOfPart` zeros, for each part. */
function isAnswer({ token, payload }: { token: string; payload: Payload }, answer: string): boolean {
  const [, mac] = token.split('.');
  const numbers = answer.split('.');
  if (numbers.length !== parts || !numbers.every((number) => /^[0-9]{1,10}$/.test(number))) return false;
  return numbers.every((number, part) => {
    const first = createHash('sha256').update(`${mac}.${part}.${number}`).digest().readUInt32BE(0);
    return Math.clz32(first) >= bitsOfPart(payload);
  });
}

function readPayload(
  { seals }: Pick<Services, 'seals'>,
  { token, ip }: { token: string; ip: string },
): Payload | undefined {
  const [text = '', mac = '', ...rest] = token.split('.');
  if (rest.length > 0 || !sameSecret(mac, macOf(seals, text, ip))) return undefined;
  return JSON.parse(Buffer.from(text, 'base64url').toString());
}

function macOf(seals: Services['seals'], text: string, ip: string): string {
  return seals.mac('challenge', `${text} ${addressBucket(ip)}`);
}

function bitsOfPart({ bits }: Payload): number {
  return Math.max(1, bits - Math.log2(parts));
}

function noted<Answer>({ metrics }: Context, outcome: string, answer: Answer): Answer {
  metrics.challenges.inc({ outcome });
  return answer;
}
