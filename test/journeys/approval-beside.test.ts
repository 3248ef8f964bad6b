import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { limits, takeFromLimits } from '../../src/limits/limits.ts';
import { Person } from '../support/person.ts';
import { startProcessBeside } from '../support/process-beside.ts';
import { asksForApproval, carefulAccount, giveApprovals, signedInFully } from '../support/second-steps.ts';
import { send } from '../support/wire.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** An approval while processes come and go (misuse case MF-25). */
describe.each(worldKinds)('an approval, on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  async function withPhone() {
    const account = await carefulAccount(world);
    await giveApprovals(world.services, account.accountId);
    return { account, phone: await signedInFully(world, account) };
  }

  it('reaches a waiting page whose process is gone: by itself, and by the button (MF-25)', async () => {
    const { account, phone } = await withPhone();
    const lost = await startProcessBeside(world);
    let { port } = lost;
    const waiting = new Person({ reach: (origin) => (origin === world.issuer ? port : undefined) });
    const { laptop, number, look } = await asksForApproval(world, account, waiting);
    const looks = async () => {
      const headers = { cookie: laptop.cookieHeader(look), 'x-forwarded-for': laptop.address };
      return JSON.parse((await send(look, { headers, port })).text).state;
    };
    expect(await looks()).toBe('waiting');
    await lost.kill();
    await expect(looks()).rejects.toThrow();

    port = world.port;
    expect(await looks()).toBe('waiting');
    await laptop.presses('I’ve approved it');
    expect(laptop.alert).toContain('It hasn’t been approved yet.');
    await phone.goes(`${world.issuer}/account/approvals`);
    await phone.submits({ number });
    expect(phone.text).toContain('You approved the sign-in.');
    expect(await looks()).toBe('ready');
    await laptop.presses('I’ve approved it');
    expect(laptop.path).toBe('/account');
  });

  it('is not asked of many accounts from one address', async () => {
    const { account } = await withPhone();
    const attacker = world.person();
    const take = { limit: 'approval_by_address', key: attacker.address } as const;
    for (let one = 0; one < limits.approval_by_address.max; one += 1)
      await takeFromLimits(world.services, [take]);
    const { number } = await asksForApproval(world, account, attacker);
    expect([number, attacker.alert]).toEqual(['', expect.stringContaining('too many codes')]);
    expect((await asksForApproval(world, account)).number).toMatch(/^\d{6}$/);
  });
});
