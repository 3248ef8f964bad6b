import { grantIdLength, layout } from '../../src/oidc/live-layout.ts';
import { type Answer, type Asked, jsonOf, newAddress } from './last-byte.ts';
import type { KeysByPartition } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';

/** What an answer gave an app, and what has become of it. */
export const tokenOf = (answer: Answer, member: string) => {
  const value = answer.status === 200 ? jsonOf(answer)[member] : undefined;
  return typeof value === 'string' ? value : false;
};

export const userinfo = (token: string): Asked => ({
  path: '/userinfo',
  headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': newAddress() },
});

/** Records of one kind under the grant of `token`, itself not counted: `c` codes, `a` access tokens, `r` refresh tokens. */
export function besides(token: string, letter: 'c' | 'a' | 'r', keys: KeysByPartition): number {
  const own = layout.underGrant(letter, token)?.key;
  const all = keys.get(token.slice(0, grantIdLength)) ?? [];
  return all.filter((key) => key.includes(`}:${letter}:`) && key !== own).length;
}

/** The access token of an answer, at either node, as a sentence when it is alive. */
export async function whatLives(world: RaceWorld, answer: Answer): Promise<string[]> {
  const token = tokenOf(answer, 'access_token');
  if (!token) return [];
  const told = await Promise.all(world.nodes.map((node) => node.ask(userinfo(token))));
  return told
    .filter(({ status }) => status !== 401)
    .map(({ status }) => `an access token lives on: ${status}`);
}
