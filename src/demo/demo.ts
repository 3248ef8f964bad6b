import type { Server } from 'node:http';
import { generate } from 'otplib';
import { listenForDemo, startDemoApp } from '../../clients/examples/demo/app.ts';
import type { PersonToPlay } from '../../clients/examples/demo/pages.ts';
import { epochSeconds } from '../kit/clock.ts';
import { seed } from '../operator/seed.ts';
import type { Services } from '../services.ts';
import { ana, ben, demoClient, demoSeed } from './people.ts';

/**
 * The demonstration (`DEMO=on`, `npm start`): two people, an app, and the app itself on the port after ours. All of it
 * can be brought in again and again. The settings refuse it for an issuer that is not on loopback, and the app listens
 * on loopback whatever HOST says: it shows passwords and codes.
 */
export type Demo = { origin: string; announcement: string; stop(): Promise<void> };

export async function startDemo(services: Services): Promise<Demo> {
  const { settings } = services;
  if (!settings.issuer.loopback) throw new Error('the demonstration is for an issuer on loopback');
  const { server, origin } = await listen(settings.PORT === 0 ? 0 : settings.PORT + 1);
  try {
    await bringIn(services, demoSeed({ origin }));
  } catch (error) {
    await close(server);
    throw error;
  }
  startDemoApp(server, {
    issuer: settings.issuer.origin,
    brand: settings.BRAND_NAME,
    ...demoClient,
    origin,
    peopleToPlay: () => peopleToPlay(services),
  });
  return { origin, announcement: announcement(services, origin), stop: () => close(server) };
}

/** The next port, or any when something else is there. */
async function listen(port: number): Promise<{ server: Server; origin: string }> {
  try {
    return await listenForDemo(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return listenForDemo(0);
  }
}

async function bringIn(services: Services, text: string): Promise<void> {
  const brought = await seed(services, text);
  const problems = brought.ok ? brought.notBrought : brought.problems;
  const said = problems.map(({ field, problem }) => `${field} ${problem}`);
  if (problems.length > 0) throw new Error(`the demonstration could not be brought in: ${said.join(' ')}`);
}

async function peopleToPlay({ clock }: Pick<Services, 'clock'>): Promise<PersonToPlay[]> {
  const epoch = epochSeconds(clock);
  const digits = await generate({ secret: ana.totp_secret, epoch });
  return [
    {
      name: ana.name,
      identifier: ana.email,
      password: ana.password,
      code: { digits, secondsLeft: 30 - (epoch % 30) },
    },
    { name: ben.name, identifier: ben.email, password: ben.password },
  ];
}

function announcement({ settings }: Pick<Services, 'settings'>, origin: string): string {
  const at = settings.issuer.origin;
  return `
${settings.BRAND_NAME} is ready.

  Sign-in demo        ${origin}
  Account pages       ${at}/account
  Development outbox  ${at}/dev/outbox
  App console         not built yet; until then: npx latchkey apps create --help

  Sign in as          ${ana.email}
  with the password   ${ana.password}
  and the code        that the demo page shows, or an authenticator app with ${ana.totp_secret}
                      otpauth://totp/${settings.BRAND_NAME}:${ana.email}?secret=${ana.totp_secret}&issuer=${settings.BRAND_NAME}
  or, without a code  ${ben.email} / ${ben.password}

  Ctrl-C stops it. Everything is kept in ${settings.DATA_DIR}.
`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
