import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { notifyAccount } from '../../../src/actions/notify-account.ts';
import { listEvents } from '../../../src/audit/list.ts';
import { limits, takeFromLimits } from '../../../src/limits/limits.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { carefulAccount, signedInFully } from '../../support/second-steps.ts';
import { newAddress } from '../../support/wire.ts';
import type { World } from '../../support/world.ts';
import { worldKinds } from '../../support/world-kinds.ts';

/** Somebody earns money by text messages that we pay for (misuse case MF-19, SMS pumping). */
describe.each(worldKinds)('text messages, on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  beforeAll(async () => {
    world = await open({ CHALLENGE_BITS: '0', TEXTS_PER_HOUR: '120', TEXT_COUNTRIES: 'DE,AT,GB' });
    app = await openRelyingParty(world, { first_party: true });
  });
  afterAll(() => world.close());

  let people = 0;
  const wanted = (identifier: string) => {
    people += 1;
    return { name: `Person ${people}`, identifier, password: 'nine-tidy-harbours' };
  };

  /** Signs up with a number, as far as the page that asks for the code. Answers the page's status. */
  async function asks(number: string, address = newAddress()) {
    const person = await world.person({ address }).goes(app.asks().url);
    await person.follows('Create an account');
    return person.submits(wanted(number));
  }

  const textsTo = async (beginning: string) =>
    (await world.outbox()).filter(({ to }) => to.startsWith(beginning)).length;

  it('stop after a few to one number, and after some to its neighbours, from however many addresses', async () => {
    const statuses: number[] = [];
    for (let one = 0; one < 30; one += 1)
      statuses.push((await asks(`+49151234567${String(one).padStart(2, '0')}`)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(limits.code_by_number_block.max);
    expect(statuses.at(-1)).toBe(429);
    expect(await textsTo('+4915123456')).toBe(limits.code_by_number_block.max);
    const again: number[] = [];
    for (let one = 0; one < 8; one += 1) again.push((await asks('+4915712345678')).status);
    expect(again.filter((status) => status === 200)).toHaveLength(limits.code_by_contact.max);
  });

  it('are no notices either that somebody has sent to a number of theirs over and over; e-mail goes on', async () => {
    const account = await carefulAccount(world);
    const person = await signedInFully(world, account);
    const before = (await textsTo(account.number)) + 1;
    const setting = `${world.issuer}/account/two-step/approvals`;
    for (let one = 0; one < limits.notice_text_by_number.max + 3; one += 1)
      await person.isSentTo(setting, { form: { approvals: 'off' }, from: world.issuer });
    expect(person.text).toContain('Approval on another device');
    expect(await textsTo(account.number)).toBeLessThanOrEqual(limits.notice_text_by_number.max + before);
    const told = (await world.outbox()).filter(
      ({ to, text }) => to === account.identifier && /off/.test(text),
    );
    expect(told.length).toBeGreaterThan(limits.notice_text_by_number.max);
  });

  it.each([
    ['notice_text_by_number_block', (number: string) => number.slice(0, -4)],
    ['notice_text_by_everyone', () => ''],
  ] as const)('are no notices to all numbers of somebody who has many: %s', async (limit, key) => {
    const account = await carefulAccount(world);
    const max = limit === 'notice_text_by_everyone' ? 120 : limits[limit].max;
    for (let one = 0; one < max; one += 1)
      await takeFromLimits(world.services, [{ limit, key: key(account.number), max }]);
    await notifyAccount(world.services, { accountId: account.accountId, template: 'password_changed' });
    const [newest] = await world.outbox();
    expect([newest?.to, await textsTo(account.number)]).toEqual([account.identifier, 0]);
  });

  it('go on to people who type their codes in, however many they are', async () => {
    for (let one = 0; one < limits.code_by_number_block.max + 5; one += 1) {
      const number = `+49160222333${String(one).padStart(2, '0')}`;
      const person = await asks(number);
      expect(person.status).toBe(200);
      await person.submits({ code: await world.codeSentTo(number) });
      expect(person.left).toBeDefined();
    }
  });

  it('stop at half of TEXTS_PER_HOUR to one country when nobody types a code in, and others go on', async () => {
    const statuses: number[] = [];
    for (let one = 0; one < 65; one += 1)
      statuses.push((await asks(`+43664${String(1_000_000 + one * 20_011)}`)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(60);
    expect(statuses.at(-1)).toBe(429);
  });

  it('do not go where the operator sends none, and the page says what to use instead', async () => {
    const person = await asks('+33612345678');
    expect(person.status).toBe(400);
    expect(person.text).toContain('Use an e-mail address');
    expect(await textsTo('+33')).toBe(0);
  });

  it('cost no more than TEXTS_PER_HOUR, and e-mail goes on', async () => {
    let last = 200;
    for (let one = 0; one < 60 && last === 200; one += 1)
      last = (await asks(`+49170${String(2_000_000 + one * 20_011)}`)).status;
    expect(last).toBe(429);
    expect((await asks('somebody@example.com')).status).toBe(200);
    const hits = await listEvents(world.services, { types: ['limit.hit'], limit: 200 });
    const names = hits.map(({ detail }) => detail['limit']);
    for (const limit of ['code_by_number_block', 'code_by_contact', 'text_by_country', 'text_by_everyone'])
      expect(names).toContain(limit);
    // A number is nobody's business in the record.
    expect(JSON.stringify(hits)).not.toContain('+4');
  });
});
