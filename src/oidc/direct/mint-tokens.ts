import type { KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../kit/clock.ts';
import { refreshTokenLives } from '../lifetimes.ts';
import { newTokenId, nextRefreshTokenId } from '../record-names.ts';
import { writeEnd } from '../refresh-token-text.ts';
import { memoryOf } from '../request-memory.ts';
import type { PlainParts } from './plain-grants.ts';
import type { PlainSource, Source } from './plain-source.ts';

/** The records of new tokens, member by member as the engine's models write them. Times in seconds. */
type Gty = { gty: string | undefined };

/** Opaque, for our own endpoints. */
export async function mintAccessToken(
  { clock, accessTokens }: Pick<PlainParts, 'clock' | 'accessTokens'>,
  source: Source,
  { gty, scope, expiresIn }: Gty & { scope: string; expiresIn: number },
): Promise<string> {
  const { accountId, clientId, expiresWithSession, grantId, sessionUid, sid } = source;
  const id = newTokenId(grantId);
  const iat = epochSeconds(clock);
  const times = { iat, exp: iat + expiresIn };
  const record = { ...times, accountId, clientId, expiresWithSession, grantId, gty, scope, sessionUid, sid };
  await accessTokens.upsert(id, { ...record, kind: 'AccessToken' } as never, expiresIn);
  return id;
}

export async function firstRefreshToken(
  parts: PlainParts,
  { source, client }: PlainSource,
  { gty }: Gty,
): Promise<string> {
  const iiat = epochSeconds(parts.clock);
  const lives = refreshTokenLives(parts, { iiat, client });
  const id = parts.refreshTokenText.first({ grantId: source.grantId, end: endAfter(parts, lives) });
  await saveRefreshToken(parts, id, source, { gty, iiat, lives, rotations: 0 });
  return id;
}

export async function nextRefreshToken(
  parts: PlainParts,
  ctx: KoaContextWithOIDC,
  { source, client }: PlainSource,
  { gty }: Gty,
): Promise<string> {
  const { rotation } = memoryOf(ctx);
  if (!rotation) throw new Error('a refresh token is followed by another when it was presented');
  const iiat = source.iiat ?? source.iat ?? epochSeconds(parts.clock);
  const lives = refreshTokenLives(parts, { iiat, client });
  const id = nextRefreshTokenId(parts, rotation, endAfter(parts, lives));
  const rotations = typeof source.rotations === 'number' ? source.rotations + 1 : 1;
  await saveRefreshToken(parts, id, source, { gty, iiat, lives, rotations });
  return id;
}

async function saveRefreshToken(
  { clock, refreshTokens }: Pick<PlainParts, 'clock' | 'refreshTokens'>,
  id: string,
  source: Source,
  { gty, iiat, lives, rotations }: Gty & { iiat: number; lives: number; rotations: number },
): Promise<void> {
  const { accountId, acr, amr, authTime, clientId, expiresWithSession } = source;
  const { grantId, nonce, scope, sessionUid, sid } = source;
  const iat = epochSeconds(clock);
  const signIn = { accountId, acr, amr, authTime, nonce, sessionUid, sid, expiresWithSession };
  const record = { iat, exp: iat + lives, ...signIn, clientId, grantId, gty, iiat, rotations, scope };
  await refreshTokens.upsert(id, { ...record, kind: 'RefreshToken' } as never, lives);
}

function endAfter({ clock }: Pick<PlainParts, 'clock'>, lives: number): string {
  return writeEnd(clock.now() + lives * 1000);
}
