import { registrationRoutes } from '../../../clients/registration/registration.ts';
import { devicePages } from '../../../interactions/device.ts';
import { passkeyWellKnown } from '../../../interactions/passkey-well-known.ts';
import { compatAddresses } from '../../../src/oidc/compat/addresses.ts';
import { providerAddresses } from '../../../src/oidc/provider-methods.ts';
import type { App } from '../../../src/services.ts';
import type { Person } from '../../support/person.ts';
import type { RelyingParty } from '../../support/relying-party.ts';
import { type Careful, wrongCode } from '../../support/second-steps.ts';
import { type Answer, newAddress, send } from '../../support/wire.ts';
import type { World } from '../../support/world.ts';
import { ownRoutes, routesOf } from './own-routes.ts';

/** Somebody who is half-way through a sign-in, and what they could try: every address that there is, with all they know. */
export type HalfDone = { account: Careful; person: Person; uid: string };

/** What the engine answers at, and what somebody would try there. */
function engineAddresses(app: RelyingParty, uid: string): string[] {
  const { pathname, search } = new URL(app.asks({ prompt: 'none' }).url);
  return [
    ...Object.keys({ ...providerAddresses, ...compatAddresses }),
    `/authorize/${uid}`,
    `/device/${uid}`,
    `${pathname}${search}`,
    `/ap/oa${search}`,
    '/logout/confirm',
    `/interaction/${uid}/../../authorize/${uid}`,
  ];
}

/** By the tables of the routers, so that a route that is added is tried without being written down anywhere. */
export function addressesFor(world: World, app: RelyingParty, { account, uid }: HalfDone): string[] {
  const beside = world.services as unknown as App;
  const others = routesOf(devicePages(beside), registrationRoutes(beside), passkeyWellKnown(beside));
  const filled = [...ownRoutes(world), ...others].map(({ path }) =>
    path
      .replaceAll(':uid', uid)
      .replaceAll(/:(id|clientId|client_id)/g, account.accountId)
      .replaceAll(/\{[^}]*\}/g, ''),
  );
  // A right step of a reset is one: its password, once set, changes the state for good, and comes last.
  const last = (path: string) => Number(path.endsWith('/new-password'));
  return [...new Set([...filled, ...engineAddresses(app, uid)])].sort((a, b) => last(a) - last(b));
}

/** All that somebody with the password could send, and of what they do not know something wrong. */
async function formOf({ account }: HalfDone): Promise<Record<string, string>> {
  const { identifier, password, totpSecret, accountId } = account;
  return {
    identifier,
    password,
    new_password: password,
    code: await wrongCode(totpSecret),
    trust_device: 'yes',
    remember: 'yes',
    decision: 'allow',
    method: 'totp.x',
    name: 'x',
    link: 'x'.repeat(43),
    response: '{}',
    account: accountId,
    to: 'overview',
    about: '',
    number: account.number,
    grant_type: 'authorization_code',
    logout: 'yes',
  };
}

/**
 * What comes of it, with the engine asked to go on where the answer leads there: only then there would be a session, or a code.
 * `given`: instead of what would be sent otherwise.
 */
export async function tried(
  world: World,
  half: HalfDone,
  address: string,
  method: 'GET' | 'POST',
  given: Record<string, string> = {},
): Promise<Answer> {
  const form = { ...(await formOf(half)), ...given };
  const headers = {
    cookie: half.person.cookieHeader(world.issuer),
    'x-forwarded-for': newAddress(),
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'navigate',
    accept: 'text/html',
  };
  const body = method === 'POST' ? { body: new URLSearchParams(form) } : {};
  const answer = await send(`${world.issuer}${address}`, { method, ...body, headers });
  const { location = '/' } = answer.headers;
  if (!/^\/authorize\/[\w-]+$/.test(location.replace(world.issuer, ''))) return answer;
  return await send(new URL(location, world.issuer), { headers });
}
