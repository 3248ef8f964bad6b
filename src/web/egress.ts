import { lookup } from 'node:dns';
import { type IncomingMessage, get as overHttp } from 'node:http';
import { get as overHttps, type RequestOptions } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { seconds } from '../kit/durations.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { isPublicAddress } from '../kit/public-address.ts';
import type { Settings } from '../settings.ts';

/**
 * Fetching what somebody else named, such as an app's logo. It must not become a way into the network we stand in
 * (server-side request forgery): https on its own port only, no redirects, and every address that the name has must be
 * a public one before a connection is made. The engine has fetches of its own (src/oidc/egress.ts).
 */
export type FetchRefusal =
  | 'not_allowed'
  | 'not_public'
  | 'unreachable'
  | 'redirected'
  | 'not_there'
  | 'too_large'
  | 'too_slow';

export type EgressSettings = Pick<Settings, 'ALLOW_LOOPBACK_FETCH'> & { conformance?: boolean };

/** `type`: what its server says that it is. */
type Fetched = { bytes: Buffer; type: string };

type Context = {
  settings: EgressSettings;
  /** How names become addresses. */
  resolve?: typeof lookup;
};

const patience = 2.5 * seconds;

/** The whole body, if it comes within 2.5 seconds and has at most `mostBytes`. */
export async function fetchBytes(
  { settings, resolve = lookup }: Context,
  { url, mostBytes, accept }: { url: URL; mostBytes: number; accept: string },
): Promise<Outcome<Fetched, FetchRefusal>> {
  const way = wayTo(url, settings);
  if (way === 'none') return refused('not_allowed');
  const signal = AbortSignal.timeout(patience);
  // Compressed bytes could unpack to any size; a picture is compressed already.
  const headers = { accept, 'accept-encoding': 'identity', 'user-agent': 'latchkey' };
  try {
    // An address in place of a name is connected to without a lookup.
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (way === 'guarded' && isIP(host) && !isPublicAddress(host)) throw new NotPublic(host);
    const guard = way === 'guarded' ? { lookup: publicOnly(resolve) } : {};
    const answer = await answerTo(url, { signal, headers, agent: false, ...guard });
    return await readAnswer(answer, mostBytes);
  } catch (error) {
    if (error instanceof NotPublic) return refused('not_public');
    return refused(signal.aborted ? 'too_slow' : 'unreachable');
  }
}

/**
 * `guarded`: on the public internet. `loopback`: this machine, when the settings let test suites do that; in a run of the
 * conformance suite wherever the suite is, whose names lead to loopback and to ports of their own. `none`: any
 * other port or scheme, where something may listen that takes a request for a command.
 */
export function wayTo(
  url: URL,
  { ALLOW_LOOPBACK_FETCH, conformance }: EgressSettings,
): 'guarded' | 'loopback' | 'none' {
  const loopback = conformance || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (loopback && ALLOW_LOOPBACK_FETCH && /^https?:$/.test(url.protocol)) return 'loopback';
  return url.protocol === 'https:' && url.port === '' ? 'guarded' : 'none';
}

class NotPublic extends Error {
  override readonly name = 'NotPublic';
}

/**
 * The lookup of the connection itself, so that what was checked is what is connected to: a name that is looked up twice
 * can answer twice (DNS rebinding). One special address among public ones is enough to refuse.
 */
function publicOnly(resolve: typeof lookup): LookupFunction {
  return (host, options, answer) =>
    resolve(host, { ...options, all: true }, (error, found = []) => {
      const [first] = found;
      if (error) answer(error, []);
      else if (!first || !found.every(({ address }) => isPublicAddress(address)))
        answer(new NotPublic(host), []);
      else if (options.all) answer(null, found);
      else answer(null, first.address, first.family);
    });
}

function answerTo(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  const get = url.protocol === 'https:' ? overHttps : overHttp;
  return new Promise((resolve, reject) => {
    get(url, options, resolve).on('error', reject);
  });
}

async function readAnswer(
  answer: IncomingMessage,
  mostBytes: number,
): Promise<Outcome<Fetched, FetchRefusal>> {
  const { statusCode = 0, headers } = answer;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // A redirect could lead to an address that nobody registered.
    if (statusCode >= 300 && statusCode < 400) return refused('redirected');
    if (statusCode !== 200) return refused('not_there');
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > mostBytes) return refused('too_large');
      chunks.push(chunk);
    }
    return { ok: true, bytes: Buffer.concat(chunks), type: headers['content-type'] ?? '' };
  } finally {
    answer.destroy();
  }
}
