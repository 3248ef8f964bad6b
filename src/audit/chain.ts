import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { hostname } from 'node:os';
import type { Seals } from '../kit/sealing.ts';
import { newSecret } from '../kit/secrets.ts';
import type { AuditEventsTable } from '../store/tables.ts';

/**
 * A writing process has one chain at a time. Each row's mac covers the row and the mac before it, so a row that was
 * changed, taken out of the middle, added or moved is found (verify.ts). What a chain alone cannot tell is that its
 * newest rows were cut off: ship the log as well, where each event stands by its id.
 *
 * The key of a chain stands in the chain's own name, sealed. So a chain stays verifiable when SECRETS_KEY gets a new
 * first key, as long as the old one is kept behind it; and who can write the table but lacks the key can forge none.
 */
export type Chain = { name: string; key: KeyObject; seq: number; mac: string };

export function startChain(seals: Seals): Chain {
  const secret = newSecret();
  const host = hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-');
  // The name says which machine and process wrote: misuse reports ask for it.
  return {
    name: `${host.slice(0, 40)}/${process.pid}/${seals.seal('audit', secret)}`,
    key: keyOf(secret),
    seq: 0,
    mac: '',
  };
}

/** Throws when no key of ours opens it. */
export function chainKey(seals: Seals, name: string): KeyObject {
  return keyOf(seals.open('audit', name.slice(name.lastIndexOf('/') + 1)));
}

/** Made once for a chain: from a text Node makes one for each HMAC, which costs seven times the HMAC. */
function keyOf(secret: string): KeyObject {
  return createSecretKey(secret, 'utf8');
}

/** Every column but the mac itself, in a fixed order and with unmistakable borders. */
export function chainMac(key: KeyObject, before: string, row: Omit<AuditEventsTable, 'mac'>): string {
  const covered = [
    before,
    row.chain,
    row.seq,
    row.id,
    row.at,
    row.type,
    row.account_id,
    row.client_id,
    row.actor,
    row.ip,
    row.user_agent,
    row.session_uid,
    row.request_id,
    row.detail,
  ];
  return createHmac('sha256', key).update(JSON.stringify(covered)).digest('base64url');
}
