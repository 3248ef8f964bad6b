import type { IncomingMessage } from 'node:http';
import type { Client, Provider } from 'oidc-provider';
import { sameSecret } from '../../kit/secrets.ts';
import { readBasic } from '../direct/client-auth.ts';
import { type Refusal, refusals } from './answer.ts';
import { isCompatClient } from './token-form.ts';

/** `bySecret`: it proved itself. Otherwise it only said who it is, and what that is good for is the grant's to say. */
export type Proved = { ok: true; client: Client; bySecret: boolean } | { ok: false; refusal: Refusal };

type Given = { clientId: string; secret: string | undefined };

/**
 * Who asks: by a secret in the body, in the header (RFC 6749 section 2.3.1), or in both when they say the same; or by the
 * name alone. Nothing is spent here, so a library that tries the header first comes again with the same code.
 */
export async function provenClient(
  provider: Provider,
  { req, members }: { req: IncomingMessage; members: Readonly<Record<string, string>> },
): Promise<Proved> {
  const given = credentialsIn(req, members);
  if (!given.ok) return given;
  const client = await provider.Client.find(given.clientId);
  if (!client || !isCompatClient(client)) return { ok: false, refusal: refusals.client };
  const method = client.clientAuthMethod;
  const hasSecret = method === 'client_secret_basic' || method === 'client_secret_post';
  if (given.secret === undefined)
    return hasSecret || method === 'none'
      ? { ok: true, client, bySecret: false }
      : { ok: false, refusal: refusals.client };
  const right = hasSecret && (await client.compareClientSecret(given.secret));
  return right ? { ok: true, client, bySecret: true } : { ok: false, refusal: refusals.client };
}

/** Whose name came with a request that was refused, when it is an app of this face; and whether a secret came with it. */
export async function namedClient(
  provider: Provider,
  { req, members }: { req: IncomingMessage; members: Readonly<Record<string, string>> },
): Promise<{ client: Client; gaveSecret: boolean } | undefined> {
  const { client_id: named, client_secret: posted } = members;
  const basic = readBasic(req.headers.authorization ?? '');
  if (basic && named !== undefined && named !== basic.clientId) return undefined;
  const clientId = basic?.clientId ?? named;
  const client = clientId === undefined ? undefined : await provider.Client.find(clientId);
  if (!client || !isCompatClient(client)) return undefined;
  return { client, gaveSecret: basic !== undefined || posted !== undefined };
}

function credentialsIn(
  req: IncomingMessage,
  { client_id: named, client_secret: posted }: Readonly<Record<string, string>>,
): ({ ok: true } & Given) | { ok: false; refusal: Refusal } {
  const header = req.headers.authorization;
  const basic = header === undefined ? undefined : readBasic(header);
  if (header !== undefined && !basic) return { ok: false, refusal: refusals.client };
  if (!basic) {
    if (named === undefined) return { ok: false, refusal: refusals.missing('client_id') };
    return { ok: true, clientId: named, secret: posted };
  }
  const agree =
    (named === undefined || named === basic.clientId) &&
    (posted === undefined || sameSecret(posted, basic.secret));
  return agree ? { ok: true, ...basic } : { ok: false, refusal: refusals.client };
}
