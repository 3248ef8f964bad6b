import type { Client } from '../../../clients/registry/registry.ts';
import { type Outcome, refused } from '../../kit/outcome.ts';
import { sameSecret } from '../../kit/secrets.ts';
import type { App } from '../../services.ts';
import type { RequestSource } from '../../web/request-source.ts';
import { type Asked, findAsked } from '../cross-device/asked.ts';
import { userCodeDigest } from '../cross-device/asked-records.ts';
import { firstInterval } from '../cross-device/pace.ts';
import { askedGrantId, layout, shortDigest } from '../live-layout.ts';
import { asEngineError } from '../unavailable.ts';
import { newUserCode, readUserCode, showUserCode } from './user-code.ts';

/**
 * A device code and the user code beside it, for other shapes of the same flow: what `POST /device/authorize` makes, without
 * the engine's endpoint around it. The caller has proved that the app may ask for these scopes. Redeemed by the token
 * endpoint's own grant type, which also says `authorization_pending` and `slow_down`.
 */
export type CodePair = {
  deviceCode: string;
  /** As it is shown: `XXXX-XXXX`. */
  userCode: string;
  expiresIn: number;
  /** Seconds between two questions. */
  interval: number;
};

export async function openCodePair(
  app: Pick<App, 'provider'>,
  {
    client,
    scopes,
    params = {},
    from,
  }: {
    client: Pick<Client, 'clientId'>;
    scopes: readonly string[];
    params?: Record<string, string>;
    from: Pick<RequestSource, 'ip' | 'userAgent'>;
  },
): Promise<Outcome<CodePair, 'no_client'>> {
  const { provider } = app;
  const engineClient = await provider.Client.find(client.clientId);
  if (!engineClient) return refused('no_client');
  const userCode = newUserCode();
  const { ip, userAgent } = from;
  const code = new provider.DeviceCode({
    client: engineClient,
    deviceInfo: { ip, userAgent },
    params: { ...params, client_id: client.clientId, scope: scopes.join(' ') },
    userCode,
  } as never);
  const deviceCode = await code.save();
  const expiresIn = code.expiration;
  return { ok: true, deviceCode, userCode: showUserCode(userCode), expiresIn, interval: firstInterval };
}

/** What a device code asks for; undefined when it is none. With `userCode`, only when the two belong together. */
export async function findCodePair(
  app: Pick<App, 'live' | 'clock' | 'seals'>,
  { deviceCode, userCode }: { deviceCode: string; userCode?: string },
): Promise<Asked | undefined> {
  const grantId = askedGrantId(deviceCode);
  if (grantId === undefined) return undefined;
  const asked = await asEngineError(() => findAsked(app, grantId));
  if (asked?.kind !== 'DeviceCode' || !sameSecret(asked.read.stored.secret, shortDigest(deviceCode)))
    return undefined;
  if (userCode === undefined) return asked;
  const typed = readUserCode(userCode);
  if (!typed) return undefined;
  const [pointer] = await asEngineError(() => app.live.read([layout.userCode(userCodeDigest(app, typed))]));
  return pointer?.value === grantId ? asked : undefined;
}
