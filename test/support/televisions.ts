import { expect } from '@jest/globals';
import type { Person } from './person.ts';
import type { RelyingParty } from './relying-party.ts';
import type { TestAccount, World } from './world.ts';

/** Televisions: apps that ask with a code, and people who type it. */
export const grantType = 'urn:ietf:params:oauth:grant-type:device_code';
export const television = {
  grant_types: [grantType, 'refresh_token'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'none',
  application_type: 'native',
};

export type Codes = {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  expires_in: number;
};

export async function ask(app: RelyingParty, params: Record<string, string> = {}): Promise<Codes> {
  const answer = await app.posts('device_authorization', {
    scope: 'openid profile email offline_access',
    client_id: app.clientId,
    ...params,
  });
  expect([answer.status, answer.json['error_description']]).toEqual([200, undefined]);
  return answer.json as Codes;
}

export type Polled = { status: number } & Partial<Record<'error' | 'access_token' | 'id_token', string>>;

export async function poll(
  app: RelyingParty,
  { device_code }: Codes,
  more: Record<string, string> = {},
): Promise<Polled> {
  const form = { grant_type: grantType, device_code, client_id: app.clientId, ...more };
  const { status, json } = await app.posts('token', form);
  return { ...(json as Partial<Polled>), status };
}

/** Types the code, signs in, and is then where the device is shown. */
export async function atDevice(
  world: World,
  codes: Codes,
  account: TestAccount,
  person: Person = world.person(),
  code?: string,
): Promise<Person> {
  await person.goes(codes.verification_uri);
  await person.submits({ user_code: codes.user_code });
  if (person.heading === 'Sign in') await person.signsIn({ ...account, code });
  if (person.heading === 'Connect a device') await person.submits({ user_code: codes.user_code });
  return person;
}
