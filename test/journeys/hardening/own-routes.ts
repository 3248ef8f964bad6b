import type Router from '@koa/router';
import { accountPages } from '../../../interactions/account/index.ts';
import { interactionPages } from '../../../interactions/index.ts';
import { outboxPages } from '../../../interactions/outbox.ts';
import { notifyAccount } from '../../../src/actions/notify-account.ts';
import type { App } from '../../../src/services.ts';
import type { Person } from '../../support/person.ts';
import { openRelyingParty } from '../../support/relying-party.ts';
import { atSecondStep, carefulAccount, giveTotp, signedInFully } from '../../support/second-steps.ts';
import { till } from '../../support/tills.ts';
import type { World } from '../../support/world.ts';
import { parkUnusualPeople } from './parked-approvals.ts';
import { parkPasskeyPeople } from './parked-passkeys.ts';

/** The router tables themselves, so that a route that is added is swept without being written down anywhere. */
export type OwnRoute = { path: string; methods: string[]; fits(path: string): boolean };

export function ownRoutes({ services }: World): OwnRoute[] {
  // The pages ask for the engine only when they are called.
  const app = services as unknown as App;
  return routesOf(interactionPages(app), accountPages(app), outboxPages(app));
}

export function routesOf(...routers: Router[]): OwnRoute[] {
  return routers.flatMap(({ stack }) =>
    stack
      .filter(({ methods }) => methods.length > 0)
      .map((layer) => ({
        path: String(layer.path),
        methods: layer.methods,
        fits: (path: string) => layer.match(path),
      })),
  );
}

/** People who stand at every step there is, for forms that only work where they belong. */
export type Parked = Record<string, Person>;

export async function parkPeople(world: World): Promise<Parked> {
  // Time passes for these, so they come before whoever has proved something lately.
  const atPasskeys = await parkPasskeyPeople(world);
  const app = await openRelyingParty(world);
  const start = async () => world.person().goes(app.asks({ scope: 'openid email' }).url);
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  const [plain, forgetful] = [await world.account(), await world.account()];
  const careful = await world.account({ totpSecret: secret });

  const secondStep = await (await start()).submits({ ...named(careful) });
  const signUp = await start();
  await signUp.goes(`${signUp.url}/sign-up`);
  await signUp.submits({ name: 'New One', identifier: 'new@example.com', password: 'a long new password' });
  const forgot = await start();
  await forgot.goes(`${forgot.url}/forgot`);
  await forgot.submits({ identifier: plain.identifier });
  // Whose password this may reset has no other session to lose by it.
  const reset = await start();
  await reset.goes(`${reset.url}/forgot`);
  await reset.submits({ identifier: forgetful.identifier });
  await reset.submits({ code: await world.codeSentTo(forgetful.identifier) });
  const consent = await (await start()).submits({ ...named(plain) });

  // Somebody with everything an account can have: an authenticator, an app, another browser.
  const other = world.person();
  await app.signsIn(other, careful);
  const account = world.person();
  await account.goes(`${world.issuer}/account/password`);
  await account.submits({ ...named(careful) });
  await account.submits({ code: await world.freshCode(secret) });
  // A second time in the same browser, and somebody of whom an app wants more than they have.
  const chooser = world.person();
  for (const one of [plain, forgetful]) {
    await chooser.goes(app.asks({ prompt: 'login' }).url);
    await chooser.submits({ ...named(one) });
  }
  await chooser.goes(app.asks({ prompt: 'login' }).url);
  const stepUp = await world.person().goes(app.asks({ acr_values: 'urn:latchkey:acr:2fa' }).url);
  await stepUp.submits({ ...named(plain) });
  const steps = {
    start: await start(),
    chooser,
    stepUp,
    secondStep,
    signUp,
    forgot,
    reset,
    consent,
    account,
    asked: await parkAsked(world),
  };
  // An approval waits for five minutes only.
  const changing = await parkCarefulPeople(world);
  return { ...steps, ...atPasskeys, ...changing, ...(await parkUnusualPeople(world)) };
}

/** Somebody whom an app asked by name (CIBA), at the list where that waits. */
async function parkAsked(world: World): Promise<Person> {
  const app = await openRelyingParty(world, till);
  const asked = await world.account();
  const form = { scope: 'openid', login_hint: asked.identifier, requested_expiry: '600' };
  const { json } = await app.posts('backchannel_authentication', form);
  const person = await world.person().goes(`${world.issuer}/account/requests`);
  await person.submits({ ...named(asked) });
  return person.goes(`${world.issuer}/account/requests/${String(json['auth_req_id']).slice(0, 22)}`);
}

/** People with a second step, in the middle of changing it. */
async function parkCarefulPeople(world: World): Promise<Parked> {
  const { services, issuer } = world;
  const [careful, other] = [await carefulAccount(world), await carefulAccount(world)];
  await giveTotp(services, careful.accountId, 'Tablet');
  // Trusted, and so signed in with less than sensitive changes ask for.
  const confirming = await signedInFully(world, careful, { trust: true });
  await confirming.presses('Sign out');
  await atSecondStep(world, careful, confirming);
  await confirming.goes(`${issuer}/account/two-step/off`);
  const devices = await signedInFully(world, careful, { trust: true });
  await devices.goes(`${issuer}/account/devices`);
  const text = await signedInFully(world, other);
  await text.goes(`${issuer}/account/two-step/text`);
  await text.submits({ number: '+4915112121212' });
  await notifyAccount(services, { accountId: other.accountId, template: 'password_changed' });
  const told = (await world.outbox()).find(({ to, links }) => to === other.identifier && links.length > 0);
  const notMe = await world.person().goes(told?.links[0] ?? '');
  const methods = await atSecondStep(world, other);
  await methods.follows('Use a backup method');
  // Who has proved everything comes first: their forms are answered, not sent to the fresh proof.
  return { devices, confirming, text, notMe, methods };
}

function named({ identifier, password }: { identifier: string; password: string }) {
  return { identifier, password };
}

export type OwnForm = { who: Person; at: string; action: string; fields: string[] };

/** Every form that somebody at these steps can come to by links, one for each action. */
export async function formsOf(world: World, parked: Parked): Promise<OwnForm[]> {
  const found = new Map<string, OwnForm>();
  for (const [at, who] of Object.entries(parked)) {
    const seen = new Set<string>();
    const waiting = [who.url];
    for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) {
      const { origin, pathname } = new URL(url);
      if (origin !== world.issuer || seen.has(pathname) || seen.size > 60) continue;
      seen.add(pathname);
      await who.goes(url);
      for (const { href } of who.html.links) waiting.push(new URL(href, who.url).href);
      for (const form of who.html.forms) {
        if (form.method !== 'post') continue;
        const action = new URL(form.action, who.url).href;
        const names = [...form.controls, ...form.buttons].flatMap(({ name }) => name ?? []);
        if (!found.has(action)) found.set(action, { who, at, action, fields: [...new Set(names)] });
        // A form that asks the browser for a passkey fetches what to ask first (shared/assets/passkeys.js).
        const options = `${action}/options`;
        if (names.includes('response') && !found.has(options))
          found.set(options, { who, at, action: options, fields: [] });
      }
      // What the page's script posts to stands in a data attribute.
      for (const [, path = ''] of who.html.source.matchAll(/data-[a-z-]+="(\/[^"]+)"/g)) {
        const action = new URL(path, who.url).href;
        if (!found.has(action)) found.set(action, { who, at, action, fields: ['password'] });
      }
    }
  }
  return [...found.values()];
}
