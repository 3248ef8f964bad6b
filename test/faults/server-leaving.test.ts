import { afterEach, describe, expect, it } from '@jest/globals';
import { openFaultProxy } from '../support/fault-proxy.ts';
import { prompt } from '../support/patience.ts';
import { endStartedServers, startServerProcess, untilReady } from '../support/started-server.ts';
import { ownRedisDatabase, serverPlace } from '../support/stores.ts';
import { until } from '../support/timing.ts';

afterEach(endStartedServers);

const servers = process.env['TEST_POSTGRES_URL'] && process.env['TEST_REDIS_URL'] ? describe : undefined;
servers?.('a server that leaves while its records say nothing', () => {
  it('says so and ends with 1, before whoever started it loses patience', async () => {
    const place = await serverPlace();
    const wire = await openFaultProxy(place.at.url ?? '', { deaf: true });
    const server = await startServerProcess({
      ...prompt,
      DATABASE_URL: wire.url,
      REDIS_URL: await ownRedisDatabase(),
      SECRETS_KEY: Buffer.alloc(32, 9).toString('base64url'),
      COOKIE_KEYS: 'a-cookie-key-for-tests-of-more-than-32-characters',
      LOG_LEVEL: 'info',
    });
    await untilReady(server);
    // Ready is not enough: what cannot record that it started ends for that.
    await until(() => server.said().includes('"listening"'));
    wire.silence(true);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(1);
    expect(server.said()).toContain('stopping takes too long');
    await wire.close();
    await place.remove();
  }, 300_000);
});
