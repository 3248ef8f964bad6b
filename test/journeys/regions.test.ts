import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { regionMac } from '../../src/actions/ask-regions.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { limits } from '../../src/limits/limits.ts';
import { until } from '../support/timing.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** A company with a site in each country (REGIONS): where an account is, is told to its address and to nobody else. */
const REGIONS_SECRET = 'the secret that our sites share, and nobody else has';
let germany: World;
let here: World;
beforeAll(async () => {
  germany = await openWorld({ REGIONS_SECRET });
  const REGIONS = `de=${germany.issuer} Germany, xx=http://localhost:9 Nowhere`;
  here = await openWorld({ REGIONS, REGIONS_SECRET, ALLOW_LOOPBACK_FETCH: 'on' });
});
afterAll(async () => {
  await here.close();
  await germany.close();
});

async function forgets(identifier: string) {
  const person = await here.person().goes(`${here.issuer}/account`);
  await person.follows('Forgot your password?');
  await person.submits({ identifier });
  return person;
}

const toldTo = async (address: string) =>
  (await here.outbox()).filter(({ to, subject }) => to === address && /account is in/.test(subject ?? ''));

describe('whose account is at another of our sites', () => {
  it('finds the sites on a page that is the same for everybody', async () => {
    const person = await here.person().goes(`${here.issuer}/account`);
    await person.follows('Is your account in another country?');
    expect([person.heading, person.text]).toEqual([
      'Where is your account?',
      expect.stringContaining('Germany'),
    ]);
    expect(person.html.links.map(({ href }) => href)).toContain(`${germany.issuer}/account`);
    const elsewhere = await germany.person().goes(`${germany.issuer}/account`);
    expect(elsewhere.text).not.toContain('another country');
  });

  it('is told by mail once they say that they forgot their password; the page says nothing', async () => {
    const [known, suspended] = [await germany.account(), await germany.account()];
    await germany.account({ email: 'unproved@example.com', verified: false });
    await suspendAccount(germany.services, { accountId: suspended.accountId, reason: 'test' });
    const other = await forgets('nobody-anywhere@example.com');
    const person = await forgets(known.identifier);
    expect([person.heading, person.status]).toEqual([other.heading, other.status]);
    expect(person.text.replaceAll(known.identifier, '')).toBe(
      other.text.replaceAll('nobody-anywhere@example.com', ''),
    );
    await until(async () => (await toldTo(known.identifier)).length > 0);
    const [message] = await toldTo(known.identifier);
    expect(message?.text).toContain(`Germany: ${new URL(germany.issuer).host}`);
    expect(message?.links).toEqual([]);

    const both = await here.account();
    await germany.account({ email: both.identifier });
    for (const one of [both.identifier, suspended.identifier, 'unproved@example.com']) await forgets(one);
    // Asked later than these, and so answered later.
    const last = await germany.account();
    await forgets(last.identifier);
    await until(async () => (await toldTo(last.identifier)).length > 0);
    for (const one of [
      both.identifier,
      suspended.identifier,
      'unproved@example.com',
      'nobody-anywhere@example.com',
    ])
      expect([one, await toldTo(one)]).toEqual([one, []]);
  });
});

describe('a question of another site', () => {
  async function asks(
    world: World,
    given: { secret?: string; at?: number; to?: string; address?: string; mac?: string },
  ) {
    const { secret = REGIONS_SECRET, at = Date.now(), to = world.issuer, address = 'x@example.com' } = given;
    const question = { channel: 'email', address, at: String(at), to };
    const body = new URLSearchParams({ ...question, mac: given.mac ?? regionMac(secret, question) });
    return await send(`${world.issuer}/regions/lookup`, {
      body,
      headers: { 'x-forwarded-for': newAddress() },
    });
  }

  it.each([
    ['with another secret', { secret: 'x'.repeat(40) }],
    ['without one', { mac: '' }],
    ['that is two minutes old', { at: Date.now() - 120_000 }],
    ['from the future', { at: Date.now() + 120_000 }],
    ['that was meant for another site', { to: 'https://id.example.fr' }],
  ])('is not answered %s', async (_, given) => {
    const { identifier } = await germany.account();
    const answer = await asks(germany, { ...given, address: identifier });
    expect([answer.status, answer.text.includes('known')]).toEqual([403, false]);
  });

  it('is answered by yes or no, so often and no more; and nowhere where there is no secret', async () => {
    const { identifier } = await germany.account();
    expect((await asks(germany, { address: identifier })).json).toEqual({ known: true });
    expect((await asks(germany, {})).json).toEqual({ known: false });
    const plain = await openWorld();
    expect((await asks(plain, {})).status).toBe(404);
    await plain.close();
    expect(limits.region_lookup_by_everyone.max).toBeGreaterThan(0);
  });
});
