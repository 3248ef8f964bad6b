import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Redis } from 'ioredis';

/**
 * What leaves for Redis in the course of some work, whatever code sends it. Two witnesses: the driver, at which it is seen
 * when each command leaves and is answered; and Redis itself (MONITOR), which also tells what scripts do, and what came
 * past the driver. One piece of work at a time, and nothing else on this database meanwhile.
 */
export type OnTheWire = {
  /** Turns of waiting: what leaves after an answer came, leaves a turn later. What is under way together is one. */
  trips: number;
  /** As Redis was asked for it. */
  commands: string[];
  /** All that Redis did, scripts included, that is not of a few keys. */
  walks: string[];
};

export async function onTheWire(
  /** Of every server that may be asked. */
  addresses: readonly string[],
  work: () => Promise<unknown>,
  /** Names of commands that are passed over by both witnesses. */
  { besides = [] }: { besides?: readonly string[] } = {},
): Promise<OnTheWire> {
  const isCounted = (name: string) => !besides.includes(name);
  const listening = await Promise.all(addresses.map(listen));
  const driver = watchDriver(isCounted);
  try {
    await work();
  } finally {
    driver.stop();
  }
  const told = (await Promise.all(listening.map((one) => one.stop()))).flat();
  const heard = told.filter(({ words }) => isCounted(nameOf(words)));
  const commands = heard.filter(({ inScript }) => !inScript).map(({ words }) => nameOf(words));
  if (commands.length !== driver.sent.length)
    throw new Error(`Redis was asked for ${commands.join(', ')}; the driver sent ${driver.sent.join(', ')}`);
  const walks = heard.map(({ words }) => words).filter((words) => !isOfFewKeys(words));
  return { trips: driver.turns(), commands, walks: walks.map((words) => words.slice(0, 4).join(' ')) };
}

const nameOf = (words: readonly string[]) => String(words[0]).toLowerCase();

/**
 * What may be asked on the way of a request: each costs as much as the keys that it names, however many there are. Sorted
 * sets are only looked at for their last member, and lose what is over by now, so many at once; how much that is Redis knows
 * without a walk.
 */
const ofFewKeys = new Set([
  ...['mget', 'evalsha', 'eval', 'wait', 'asking'],
  ...['time', 'get', 'set', 'del', 'pttl', 'pexpire', 'zadd', 'zrem', 'zcount', 'zremrangebyrank'],
]);

function isOfFewKeys(words: readonly string[]): boolean {
  const last = nameOf(words) === 'zrange' && words[2] === '-1' && words[3] === '-1';
  return last || ofFewKeys.has(nameOf(words));
}

type Sending = { name: string; promise: Promise<unknown> };
type Sends = { sendCommand(command: Sending, ...rest: unknown[]): unknown };

/** The turn of a command is one more than that of the last that was answered before it left. */
function watchDriver(isCounted: (name: string) => boolean): {
  sent: string[];
  turns(): number;
  stop(): void;
} {
  const prototype = Redis.prototype as unknown as Sends;
  const send = prototype.sendCommand;
  const sent: string[] = [];
  let [answered, turns] = [0, 0];
  prototype.sendCommand = function (this: unknown, command, ...rest) {
    if (!isCounted(command.name.toLowerCase())) return send.call(this, command, ...rest);
    const turn = answered + 1;
    turns = Math.max(turns, turn);
    sent.push(command.name);
    const isAnswered = () => {
      answered = Math.max(answered, turn);
    };
    command.promise.then(isAnswered, isAnswered);
    return send.call(this, command, ...rest);
  };
  return {
    sent,
    turns: () => turns,
    stop() {
      prototype.sendCommand = send;
    },
  };
}

type Heard = { words: string[]; inScript: boolean };

/** From now on, until `stop`: Redis tells in the order in which it was asked, so a mark of ours is the last of it. */
async function listen(address: string): Promise<{ stop(): Promise<Heard[]> }> {
  const asking = new Redis(address);
  // What connects after this is seen, and nothing of the making of these two is.
  await asking.ping();
  const mark = randomUUID();
  const [begun, marked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const heard: Heard[] = [];
  const database = asking.options.db ?? 0;
  const monitor = openMonitor(asking, {
    listening: begun.resolve,
    refused: begun.reject,
    tell(line) {
      const told = readTold(line);
      if (told.words[1] === mark) marked.resolve();
      else if (told.database === database) heard.push(told);
    },
  });
  await begun.promise;
  return {
    async stop() {
      await asking.echo(mark);
      await marked.promise;
      monitor.destroy();
      asking.disconnect();
      return heard;
    },
  };
}

type Listener = { listening(): void; refused(reason: Error): void; tell(line: string): void };

/** Not the driver's, which loses its way where other work is told of in one piece with the first answer. */
function openMonitor({ options }: Redis, { listening, refused, tell }: Listener): Socket {
  const { host = '127.0.0.1', port = 6379, password } = options;
  const socket = connect({ host, port, noDelay: true });
  const asked = [...(password ? [`AUTH ${password}`] : []), 'MONITOR'];
  let [rest, answers] = ['', 0];
  socket.setEncoding('latin1').on('data', (text) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('+')) refused(new Error(line));
      else if (answers === asked.length) tell(line.slice(1));
      else if (++answers === asked.length) listening();
    }
  });
  socket.on('error', refused);
  socket.write(asked.map((line) => `${line}\r\n`).join(''));
  return socket;
}

/** Such as `1795396857.713010 [3 127.0.0.1:49936] "mget" "{a}:s"`; in the words no line feed stands as it is. */
function readTold(line: string): Heard & { database: number } {
  const [, database, source, words = ''] = /^[\d.]+ \[(\d+) (\S+)\] "(.*)"$/.exec(line) ?? [];
  if (database === undefined) throw new Error(`not told as it used to be: ${line}`);
  return { database: Number(database), inScript: source === 'lua', words: words.split('" "') };
}
