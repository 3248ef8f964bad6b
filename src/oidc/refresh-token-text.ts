import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { minutes } from '../kit/durations.ts';
import { newSecret, sameSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { grantIdLength, refreshSecretLength } from './live-layout.ts';

/**
 * What a refresh token is made of: `<grant id><end><secret><seal>`. Its end, in minutes, and the seal, a MAC under a key of
 * the server's, let a token be known for one of ours when nothing is stored of it any more. So one that was used is
 * forgotten within minutes, and recognised, should it come again, for as long as it could have lived: decision 0017.
 *
 * The secret of the first is random. That of its successor follows from it and from a random text that whoever used it
 * left beside it in the store: who has both the token and the store's answer can make it, nobody who has one of them.
 */
const endLength = 4;
const secretLength = 19;
const sealLength = refreshSecretLength - endLength - secretLength;
const sealAt = grantIdLength + endLength + secretLength;

export type RefreshTokenText = {
  first(of: { grantId: string; end: string }): string;
  /** Always the same for the same token, random text and end. */
  successor(of: { presented: string; nonce: string; end: string }): string;
  /** Whether it was once given out by us; `over` when it would have ended by itself. Its shape was checked before. */
  judge(token: string, now: number): 'ours' | 'over' | 'forged';
};

export function openRefreshTokenText({ seals }: Pick<Services, 'seals'>): RefreshTokenText {
  const keys = seals.deriveEach('refresh tokens', 32).map((key) => createSecretKey(key));
  const [newest] = keys;
  if (!newest) throw new Error('at least one sealing key is needed');
  const sealed = (text: string) => text + sealOf(newest, text);
  return {
    first: ({ grantId, end }) => sealed(`${grantId}${end}${newSecret().slice(0, secretLength)}`),
    successor({ presented, nonce, end }) {
      const secret = hash('sha256', `latchkey successor ${nonce} ${presented}`, 'base64url');
      return sealed(`${presented.slice(0, grantIdLength)}${end}${secret.slice(0, secretLength)}`);
    },
    judge(token, now) {
      const [text, seal] = [token.slice(0, sealAt), token.slice(sealAt)];
      if (!keys.some((key) => sameSecret(sealOf(key, text), seal))) return 'forged';
      return now < readEnd(token.slice(grantIdLength, grantIdLength + endLength)) ? 'ours' : 'over';
    },
  };
}

function sealOf(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url').slice(0, sealLength);
}

/** 24 bits of minutes, from this on: until 2055. */
const began = Date.UTC(2024, 0, 1);

/** A moment in epoch milliseconds, rounded down: one that just ended by itself is not to look as if it was used. */
export function writeEnd(at: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(Math.min(2 ** 24 - 1, Math.max(0, Math.floor((at - began) / minutes) - 1)));
  return bytes.subarray(1).toString('base64url');
}

function readEnd(text: string): number {
  return began + Buffer.from(text, 'base64url').readUIntBE(0, 3) * minutes;
}
