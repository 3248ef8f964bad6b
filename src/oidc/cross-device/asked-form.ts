import type { AdapterPayload } from 'oidc-provider';
import { list, words, yes } from '../shortenings.ts';
import { openForm } from '../stored-form.ts';

/**
 * What an app asks for on one device and a person answers on another: a device authorization (RFC 8628) or a CIBA request.
 * The engine's payload, the digest of the secret half of its id, and who is just answering it.
 */
export type StoredAsked = AdapterPayload & {
  kind: AskedKind;
  clientId: string;
  secret: string;
  /** Somebody pressed a button, and what follows from it is on its way. */
  taken?: { id: string; at: number } | undefined;
  /** For the ping delivery mode, sealed: ciba/pings.ts. */
  ping?: string | undefined;
  params?: Record<string, unknown> | undefined;
  deviceInfo?: { ip?: string; userAgent?: string } | undefined;
};

export type AskedKind = 'DeviceCode' | 'BackchannelAuthenticationRequest';

/** Lines may be added at the end, as in record-forms.ts. */
const form = openForm([
  { name: 'kind', shorten: words({ DeviceCode: 'd', BackchannelAuthenticationRequest: 'b' }) },
  'clientId',
  'secret',
  'params',
  'deviceInfo',
  'accountId',
  'grantId',
  'scope',
  'taken',
  'error',
  'errorDescription',
  { name: 'amr', shorten: list },
  'acr',
  'authTime',
  'claims',
  'nonce',
  'resource',
  { name: 'expiresWithSession', shorten: yes },
  'sessionUid',
  'sid',
  'rar',
  'attestationJkt',
  'ping',
]);

export function writeAsked(asked: StoredAsked): string {
  return form.write(asked, {});
}

export function readAsked(value: string): StoredAsked {
  return form.read(value, {}) as StoredAsked;
}
