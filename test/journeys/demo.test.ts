import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Demo, startDemo } from '../../src/demo/demo.ts';
import type { Person } from '../support/person.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let demo: Demo;
beforeAll(async () => {
  world = await openWorld({ DEMO: 'on' });
  demo = await startDemo(world.services);
});
afterAll(async () => {
  await demo.stop();
  await world.close();
});

type PersonToPlay = { identifier: string; password: string; code?: { digits: string } };

async function peopleToPlay(): Promise<PersonToPlay[]> {
  return JSON.parse((await send(`${demo.origin}/people.json`)).text);
}

async function signIn(person: Person, name: string): Promise<void> {
  await person.goes(demo.origin);
  await person.presses('Sign in with Latchkey');
  const [who] = (await peopleToPlay()).filter(({ identifier }) => identifier.startsWith(name));
  if (!who) throw new Error('nobody to play');
  await person.signsIn({ ...who, code: who.code?.digits });
}

describe('the demonstration', () => {
  it('is brought in again and again without a change, and says where everything is', async () => {
    await demo.stop();
    demo = await startDemo(world.services);
    expect(demo.announcement).toContain(demo.origin);
    expect(demo.announcement).toContain(`${world.issuer}/dev/outbox`);
  });

  it('signs Ana in with what its own page shows: claims, a refresh, and out again', async () => {
    const person = world.person();
    await signIn(person, 'ana');
    expect(person.heading).toBe('Allow Paperplane to use your Latchkey account?');
    await person.decides('allow');
    expect(person.url).toBe(`${demo.origin}/`);
    expect(person.heading).toBe('Hello, Ana');
    for (const shown of ['Calle Mayor 12', '+34600123456', 'ana@example.com', '1990-05-17'])
      expect(person.text).toContain(shown);

    await person.presses('Refresh the access');
    expect(person.text).toContain('refreshed once');
    await person.presses('Refresh the access');
    expect(person.text).toContain('refreshed 2 times');

    await person.presses('Sign out');
    expect(person.heading).toBe('Sign out?');
    await person.submits({ logout: 'yes' });
    expect(person.url).toBe(`${demo.origin}/`);
    expect(person.text).toContain('Sign in with Latchkey');
    await person.presses('Sign in with Latchkey');
    expect(person.heading).toBe('Sign in');
  });

  it('takes a no for an answer', async () => {
    const person = world.person();
    await signIn(person, 'ben');
    await person.decides('deny');
    expect(person.alert).toMatch(/chose not to/);
  });

  it('says so when the access was taken back meanwhile', async () => {
    const person = world.person();
    await signIn(person, 'ben');
    await person.decides('allow');
    await person.goes(`${world.issuer}/account/apps/demo/remove`);
    await person.presses('Remove access');
    await person.goes(demo.origin);
    await person.presses('Refresh the access');
    expect(person.alert).toMatch(/access has ended/);
    expect(person.text).toContain('Sign in with Latchkey');
  });

  it('refuses an answer to a question it did not ask, and forms of other sites', async () => {
    const person = world.person();
    await person.goes(`${demo.origin}/callback?code=x&state=y&iss=${encodeURIComponent(world.issuer)}`);
    expect(person.alert).toMatch(/not begun in this browser/);
    await person.isSentTo(`${demo.origin}/sign-out`, { form: {} });
    expect(person.status).toBe(403);
  });
});
