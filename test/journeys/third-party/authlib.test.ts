import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerClient } from '../../../src/actions/register-client.ts';
import type { Person } from '../../support/person.ts';
import { recipe } from '../../support/recipes.ts';
import { freePort } from '../../support/servers.mjs';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** Debian's Authlib in a Flask app, as docs/recipes.md has it: it is told our discovery document and its own credentials. */
let world: World;
let account: TestAccount;
let origin: string;
let app: ChildProcess;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account({ profile: { name: 'Ana García' } });
  const port = await freePort();
  origin = `http://localhost:${port}`;
  const added = await registerClient(world.services, {
    clientId: 'flask',
    metadata: { client_name: 'Flask', redirect_uris: [`${origin}/callback`] },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  app = await startApp(port, String(added.clientSecret));
});
afterAll(async () => {
  if (app) {
    const ended = once(app, 'exit');
    app.kill('SIGTERM');
    await ended;
  }
  await world?.close();
});

async function startApp(port: number, clientSecret: string): Promise<ChildProcess> {
  const python = process.env['TEST_AUTHLIB'];
  if (!python) throw new Error('TEST_AUTHLIB is not set: run the tests with npm test');
  const written = recipe('Flask with Authlib', {
    language: 'py',
    given: {
      'https://id.example.com': world.issuer,
      '"paperplane"': '"flask"',
      'the-secret-of-paperplane': clientSecret,
    },
  });
  const more = readFileSync(path.join(import.meta.dirname, 'authlib-app.py'), 'utf8');
  const child = spawn(python, ['-B', '-c', `${written}\nPORT = ${port}\n${more}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const answers = () =>
    fetch(origin).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; !(await answers()); tries += 1) {
    if (tries > 1200 || child.exitCode !== null) throw new Error(`the app does not start:\n${said}`);
    await sleep(50);
  }
  return child;
}

const shown = (person: Person) => JSON.parse(person.text);

describe('an app on Authlib', () => {
  it('knows the person, and refreshes its access', async () => {
    const person = world.person();
    await person.goes(`${origin}/login`);
    await person.signsIn(account);
    await person.decides('allow');
    expect(person.url).toBe(`${origin}/`);
    const known = shown(person).person;
    expect(known).toMatchObject({ name: 'Ana García', email: account.identifier, email_verified: true });

    await person.goes(`${origin}/later`);
    expect(shown(person)).toMatchObject({ renewed: true, person: { sub: known.sub } });
  });

  it('is told when the person says no', async () => {
    const person = world.person();
    await person.goes(`${origin}/login`);
    await person.signsIn(await world.account());
    await person.decides('deny');
    expect([person.status, shown(person)]).toEqual([400, { error: 'access_denied' }]);
  });
});
