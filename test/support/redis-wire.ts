import { randomUUID } from 'node:crypto';
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

export async function onTheWire(address: string, work: () => Promise<unknown>): Promise<OnTheWire> {
  const listening = await listen(address);
  const driver = watchDriver();
  try {
    await work();
  } finally {
    driver.stop();
  }
  const heard = await listening.stop();
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
function watchDriver(): { sent: string[]; turns(): number; stop(): void } {
  const prototype = Redis.prototype as unknown as Sends;
  const send = prototype.sendCommand;
  const sent: string[] = [];
  let [answered, turns] = [0, 0];
  prototype.sendCommand = function (this: unknown, command, ...rest) {
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
  const mark = randomUUID();
  const marked = Promise.withResolvers<void>();
  const heard: Heard[] = [];
  // What connects after this is seen, and nothing of the making of these two is.
  await asking.ping();
  const monitor = await asking.monitor();
  const database = String(asking.options.db ?? 0);
  monitor.on('monitor', (_time: string, words: string[], source: string, at: string) => {
    if (words[1] === mark) marked.resolve();
    else if (at === database) heard.push({ words, inScript: source === 'lua' });
  });
  return {
    async stop() {
      await asking.echo(mark);
      await marked.promise;
      monitor.disconnect();
      asking.disconnect();
      return heard;
    },
  };
}
