import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { limits, takeFromLimits } from '../../src/limits/limits.ts';
import { signInAddress } from '../../src/oidc/account-client.ts';
import { addressDatabaseFile } from '../support/address-database.ts';
import { Person } from '../support/person.ts';
import { startProcessBeside } from '../support/process-beside.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import {
  asksForApproval,
  carefulAccount,
  giveApprovals,
  signedInFully,
  withPhone,
} from '../support/second-steps.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** An approval while processes come and go (misuse case MF-25). */
describe.each(worldKinds)('an approval, on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  it('reaches a waiting page whose process is gone: by itself, and by the button (MF-25)', async () => {
    const { account, phone } = await withPhone(world);
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

  it('is not given by the browser that waits for it, which is signed in too (MF-23)', async () => {
    const { account, phone } = await withPhone(world);
    const waiting = await signedInFully(world, account);
    await waiting.goes(`${world.issuer}${signInAddress(world.services, { page: 'overview', fresh: true })}`);
    await waiting.submits({ identifier: account.identifier, password: account.password });
    await waiting.follows('Use a backup method');
    await waiting.presses('Use this: On a device where you’re signed in to your account');
    const step = waiting.url;
    const number = /\b(\d{3}) (\d{3})\b/.exec(waiting.text)?.slice(1).join('') ?? '';
    await waiting.goes(`${world.issuer}/account/approvals`);
    expect([waiting.status, waiting.text.includes('Chrome on Linux')]).toEqual([409, false]);
    await waiting.isSentTo(waiting.url, { form: { number }, from: world.issuer });
    expect(waiting.status).toBe(409);
    await waiting.goes(step);
    await waiting.presses('I’ve approved it');
    expect(waiting.alert).toContain('It hasn’t been approved yet.');
    // The other device may, and once.
    await phone.goes(`${world.issuer}/account/approvals`);
    const page = phone.url;
    await phone.submits({ number });
    expect(phone.text).toContain('You approved the sign-in.');
    await phone.isSentTo(page, { form: { number }, from: world.issuer });
    expect(phone.status).toBe(404);
    await waiting.presses('I’ve approved it');
    expect(waiting.path).toBe('/account');
  });

  it('is not asked of many accounts from one address', async () => {
    const { account } = await withPhone(world);
    const attacker = world.person();
    const take = { limit: 'approval_by_address', key: attacker.address } as const;
    for (let one = 0; one < limits.approval_by_address.max; one += 1)
      await takeFromLimits(world.services, [take]);
    const { number } = await asksForApproval(world, account, attacker);
    expect([number, attacker.alert]).toEqual(['', expect.stringContaining('asked for too often')]);
    // With nothing that waits there is nothing to press but the way to something else.
    expect(attacker.text).not.toContain('I’ve approved it');
    await attacker.follows('Use a backup method');
    expect(attacker.text).toContain('Authenticator app');
    expect((await asksForApproval(world, account)).number).toMatch(/^\d{6}$/);
  });
});

describe('the device that approves', () => {
  it('is shown the app that asks, and the place where a database knows it (MF-21)', async () => {
    const file = addressDatabaseFile([
      { network: '203.0.113.0/24', country: 'DE', city: 'Berlin', at: [52.52, 13.4] },
    ]);
    const world = await openWorld({ GEO_DATABASE: file });
    const app = await openRelyingParty(world);
    const account = await carefulAccount(world);
    await giveApprovals(world.services, account.accountId);
    const phone = await signedInFully(world, account);
    const laptop = await world.person({ address: '203.0.113.9' }).goes(app.asks().url);
    await laptop.submits({ identifier: account.identifier, password: account.password });
    await laptop.follows('Use a backup method');
    await laptop.presses('Use this: On a device where you’re signed in to your account');
    await phone.goes(`${world.issuer}/account/approvals`);
    for (const shown of [app.name, 'Berlin, Germany', '203.0.113.9', 'Chrome on Linux'])
      expect(phone.text).toContain(shown);
    await world.close();
    rmSync(path.dirname(file), { recursive: true });
  });
});
