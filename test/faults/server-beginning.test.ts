import { afterEach, describe, expect, it } from '@jest/globals';
import { openFaultProxy } from '../support/fault-proxy.ts';
import { prompt } from '../support/patience.ts';
import { endStartedServers, startServerProcess, untilReady } from '../support/started-server.ts';
import { ownRedisDatabase, preparedPlace, serverPlace } from '../support/stores.ts';
import { until } from '../support/timing.ts';

afterEach(endStartedServers);

/** What a start asks of the records after they answered for the first time. */
const asked = {
  'a table of the migrations': 'create table "server_secrets"',
  'the peppers': 'pepper_id',
  'the signing keys': 'signing_keys',
  'the secret of the subjects': 'server_secrets',
  'the record of its start': 'server.started',
};

const servers = process.env['TEST_POSTGRES_URL'] && process.env['TEST_REDIS_URL'] ? describe : undefined;
servers?.('a server that begins while its records go away once more', () => {
  it.each(Object.entries(asked))(
    'waits for them: %s',
    async (_, text) => {
      const place = await (text.startsWith('create') ? serverPlace() : preparedPlace());
      const wire = await openFaultProxy(place.at.url ?? '');
      const server = await startServerProcess({
        ...prompt,
        DATABASE_URL: wire.url,
        REDIS_URL: await ownRedisDatabase(),
        SECRETS_KEY: Buffer.alloc(32, 9).toString('base64url'),
        COOKIE_KEYS: 'a-cookie-key-for-tests-of-more-than-32-characters',
        LOG_LEVEL: 'info',
      });
      wire.cutReplyTo(text, 'silence');
      await until(() => wire.cuts() > 0);
      wire.silence(false);
      await untilReady(server);
      await until(() => server.said().includes('"listening"'));
      server.child.kill('SIGTERM');
      expect(await server.ended).toBe(0);
      await wire.close();
      await place.remove();
    },
    300_000,
  );
});
