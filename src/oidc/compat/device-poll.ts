import type { IncomingMessage } from 'node:http';
import type { Client } from 'oidc-provider';
import { compatMarker } from '../../consents/compat-scopes.ts';
import { findCodePair } from '../device/code-pair.ts';
import { type Refusal, refusals } from './answer.ts';
import { provenClient } from './client-auth.ts';
import type { CompatParts } from './parts.ts';
import { isCompatClient } from './token-form.ts';

/**
 * The token request of a device: it sends both of its codes and, in this face, not who it is. The device code says that,
 * and the user code must be the one beside it.
 */
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

type Prepared =
  | { ok: true; client: Client; bySecret: boolean; grantType: string; params: Record<string, string> }
  | { ok: false; refusal: Refusal };

export async function devicePoll(
  { services, provider }: CompatParts,
  req: IncomingMessage,
  members: Readonly<Record<string, string>>,
): Promise<Prepared> {
  const { device_code: deviceCode, user_code: userCode } = members;
  if (!deviceCode) return { ok: false, refusal: refusals.missing('device_code') };
  if (!userCode) return { ok: false, refusal: refusals.missing('user_code') };
  const asked = await findCodePair(services, { deviceCode, userCode });
  const client = asked && (await provider.Client.find(asked.clientId));
  if (!client || !isCompatClient(client)) return { ok: false, refusal: refusals.codePair };
  // One that also says who it is must be that app, and a secret that is sent must be right.
  const says = members['client_id'] !== undefined || req.headers.authorization !== undefined;
  const proved = says ? await provenClient(provider, { req, members }) : undefined;
  if (proved && !proved.ok) return proved;
  if (proved && proved.client.clientId !== client.clientId) return { ok: false, refusal: refusals.codePair };
  // Codes that the standard's endpoint gave are redeemed as the standard says (RFC 8628 section 3.4).
  const standard = !asked.scopes.includes(compatMarker) && client.clientAuthMethod !== 'none';
  if (standard && !proved?.bySecret) return { ok: false, refusal: refusals.client };
  if (!client.grantTypeAllowed(deviceGrant)) return { ok: false, refusal: refusals.notAllowed };
  const params = { grant_type: deviceGrant, device_code: deviceCode };
  return { ok: true, client, bySecret: proved?.bySecret === true, grantType: deviceGrant, params };
}
