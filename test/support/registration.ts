import { expect } from '@jest/globals';
import { type Answer, newAddress, type Sent, send } from './wire.ts';
import type { World } from './world.ts';

/** Registering over HTTP, with bare hands. */
export const asked = { client_name: 'Kites', redirect_uris: ['https://kites.example.test/cb'] };

export function posts(world: World, members: unknown, headers: Sent['headers'] = {}): Promise<Answer> {
  return send(`${world.issuer}/register`, {
    headers: { 'content-type': 'application/json', 'x-forwarded-for': newAddress(), ...headers },
    body: typeof members === 'string' ? members : JSON.stringify(members),
  });
}

export async function registered(world: World, members: object = asked): Promise<Record<string, string>> {
  const answer = await posts(world, members);
  expect(answer).toMatchObject({ status: 201 });
  return answer.json as Record<string, string>;
}

/** At the address that the app was told, with the token that it was told. */
export function manages(
  { registration_client_uri: address = '', registration_access_token: token }: Record<string, string>,
  { method = 'GET', members, bearer = token }: { method?: string; members?: object; bearer?: string } = {},
): Promise<Answer> {
  return send(address, {
    method,
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      'x-forwarded-for': newAddress(),
    },
    ...(members ? { body: JSON.stringify(members) } : {}),
  });
}
