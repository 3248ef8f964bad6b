/** One private redis-server or sentinel, with its password and its lines of configuration in a file of its own. */
import fs from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { findProgram, openFolder, runServer } from './server-process.mjs';

/** `lines` go into its redis.conf, which it may rewrite; `args` are options that stand above it at every start. */
export async function runRedis({ port, password, dir, lines = [], args = [], sentinel = false }) {
  const program = findProgram('redis-server');
  if (!program) throw new Error('redis-server is missing; on Debian: apt-get install redis-server');
  const folder = openFolder('latchkey-redis-', dir);
  // The password goes in through a file: arguments can be read by everyone on the machine.
  const file = path.join(folder.path, 'redis.conf');
  const own = [`requirepass ${password}`, `port ${port}`, `dir ${folder.path}`, 'bind 127.0.0.1'];
  own.push('daemonize no', ...(sentinel ? [] : ['save ""', 'appendonly no', 'databases 64']));
  fs.writeFileSync(file, `${[...own, ...lines].join('\n')}\n`, { mode: 0o600 });
  return runServer({
    url: `redis://:${password}@127.0.0.1:${port}`,
    port,
    folder,
    command: [program, file, ...args, ...(sentinel ? ['--sentinel'] : [])],
    endSignal: 'SIGTERM',
    lastSignal: 'SIGKILL',
    isReady: () => redisAnswers(port, password),
  });
}

function redisAnswers(port, password) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    const answer = (yes) => {
      socket.destroy();
      resolve(yes);
    };
    let said = '';
    socket.setTimeout(5000, () => answer(false));
    socket.once('error', () => answer(false)).once('close', () => answer(false));
    socket.on('data', (bytes) => {
      said += bytes;
      if (said.includes('+PONG')) answer(true);
      // Another server may have taken the port in between: it does not know our password.
      if (said.includes('-')) answer(false);
    });
  });
}

/** Asks servers some questions each, over connections that are closed again: [[answers of the first], ...]. */
export async function askRedis(servers, ...commands) {
  const { Redis } = await import('ioredis');
  return Promise.all(
    servers.map(async ({ url }) => {
      const redis = new Redis(url, { retryStrategy: null, commandTimeout: 5000 });
      redis.on('error', () => {});
      try {
        return await Promise.all(commands.map((command) => redis.call(...command)));
      } finally {
        redis.disconnect();
      }
    }),
  );
}
