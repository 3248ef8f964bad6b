import type { Person } from './person.ts';
import type { RelyingParty } from './relying-party.ts';
import { until } from './timing.ts';
import type { TestAccount, World } from './world.ts';

/** Tills: apps that ask a person by name (OpenID CIBA Core 1.0), and people who find that in their account. */
export const grantType = 'urn:openid:params:grant-type:ciba';
export const till = {
  grant_types: [grantType, 'refresh_token'],
  redirect_uris: [],
  response_types: [],
  backchannel_token_delivery_mode: 'poll',
};

export type Polled = { status: number } & Partial<Record<'error' | 'access_token' | 'id_token', string>>;

export async function ask(app: RelyingParty, params: Record<string, string> = {}) {
  const form = { scope: 'openid profile', binding_message: 'W4SCT', ...params };
  const { status, json } = await app.posts('backchannel_authentication', form);
  return { status, ...(json as { auth_req_id: string; expires_in: number; error?: string }) };
}

export async function poll(app: RelyingParty, { auth_req_id }: { auth_req_id: string }): Promise<Polled> {
  const { status, json } = await app.posts('token', { grant_type: grantType, auth_req_id });
  return { ...(json as Partial<Polled>), status };
}

/** How many requests of the app are on the page that the person is at. */
export function waiting({ html }: Person, { name }: { name: string }): number {
  return html.links.filter(({ label }) => label === `Look at the request of ${name}`).length;
}

export async function looks(person: Person, { name }: { name: string }): Promise<void> {
  await person.follows(`Look at the request of ${name}`);
}

/** Signs in, and looks at what the app asks. What is done for the person is done after the app was answered. */
export async function atRequest(
  world: World,
  app: { name: string },
  account: TestAccount,
  person: Person = world.person(),
): Promise<Person> {
  await until(async () => {
    await person.goes(`${world.issuer}/account/requests`);
    if (person.heading === 'Sign in') await person.signsIn(account);
    return waiting(person, app) > 0;
  });
  await looks(person, app);
  return person;
}
