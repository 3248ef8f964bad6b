import type { Client } from 'oidc-provider';
import type { DirectContext } from './direct.ts';

/**
 * The app that made the request, when it proved itself as it is registered to (RFC 6749 section 2.3.1): by its secret in
 * the header or in the form, or by its name alone when it is public. Undefined for every other way, and for every doubt.
 */
export async function authenticatedClient({
  provider,
  req,
  form,
}: Pick<DirectContext, 'provider' | 'req' | 'form'>): Promise<Client | undefined> {
  const { client_id: named, client_secret: posted } = form;
  const basic = req.headers.authorization;
  if (basic !== undefined && posted !== undefined) return undefined;
  const given = basic === undefined ? { clientId: named, secret: posted } : readBasic(basic);
  if (!given?.clientId || (named !== undefined && named !== given.clientId)) return undefined;
  const client = await provider.Client.find(given.clientId);
  if (!client) return undefined;
  const bySecret = given.secret !== undefined;
  if (!bySecret) return client.clientAuthMethod === 'none' ? client : undefined;
  if (client.clientAuthMethod !== 'client_secret_basic' && client.clientAuthMethod !== 'client_secret_post')
    return undefined;
  return (await client.compareClientSecret(given.secret as string)) ? client : undefined;
}

/** The credentials in a Basic header, as a form is encoded; undefined for anything else. */
export function readBasic(header: string): { clientId: string; secret: string } | undefined {
  const [, encoded] = /^basic ([A-Za-z0-9+/]{4,2048}={0,2})$/i.exec(header) ?? [];
  if (encoded === undefined || encoded.length % 4 !== 0) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const clientId = decoded(text.slice(0, colon));
  const secret = decoded(text.slice(colon + 1));
  return colon > 0 && clientId && secret ? { clientId, secret } : undefined;
}

/** As a form is encoded (RFC 6749 appendix B), visible ASCII only. */
function decoded(text: string): string | undefined {
  if (/^[A-Za-z0-9._~-]*$/.test(text)) return text;
  try {
    const plain = decodeURIComponent(text.replaceAll('+', '%20'));
    return /^[\x20-\x7e]+$/.test(plain) ? plain : undefined;
  } catch {
    return undefined;
  }
}
