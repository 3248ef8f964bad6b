import { Redis, type RedisOptions } from 'ioredis';
import { StoreUnavailable } from './live.ts';
import { hostName, type RedisHost } from './live-redis-address.ts';
import { openServerClock } from './live-redis-clock.ts';
import { type Script, scripts } from './live-redis-scripts.ts';
import { askForState, type RedisState } from './live-redis-state.ts';

/**
 * One connection to one Redis server. It is made anew for as long as it is wanted, and while it is not there each call
 * fails at once. Nothing happens late: no command waits in a queue or is sent again after a lost reply, and a commit that
 * reaches the server after its caller was told that it failed is refused there (live-redis-clock.ts).
 *
 * What is sent in one turn of the event loop leaves in one write, and the replicas are waited for once for all of it.
 * ioredis' own pipelining has one batch under way at a time: what waits behind one that is stuck is sent late.
 */
export class RedisLine {
  readonly #redis: Redis;
  readonly #use: LineUse;
  #clock = openServerClock();
  #usable = false;
  #problem: unknown = new Error('there is no connection yet');
  /** Of what was sent in this turn of the event loop. */
  #turn: Turn | undefined;

  constructor(options: RedisOptions, use: LineUse) {
    this.#use = use;
    this.#redis = new Redis({ ...connection(use.timeoutMs), ...options, replyMapping: 'legacy' });
    this.#redis.on('error', (problem) => {
      this.#problem = problem;
    });
    this.#redis.on('ready', () => this.#prepare());
    this.#redis.on('close', () => {
      if (!this.#usable) return;
      this.#usable = false;
      use.onLost();
    });
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** The server at the other end, while there is one. */
  get peer(): RedisHost | undefined {
    const { stream } = this.#redis;
    // A socket that is gone goes on telling where it led.
    if (!stream || stream.destroyed) return undefined;
    const { remoteAddress, remotePort } = stream;
    // An IPv4 address that came through an IPv6 socket.
    const host = remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '');
    return host && remotePort ? { host, port: remotePort } : undefined;
  }

  /** `asking`: ASK has sent us here, for a slot that is on its way to this server. */
  async call<Reply>(
    send: (redis: Redis) => Promise<Reply>,
    { asking = false, lasting = false } = {},
  ): Promise<Reply> {
    if (!this.#usable) throw new StoreUnavailable('live', this.#problem);
    this.#gather();
    if (asking) this.#redis.asking().catch(() => {});
    try {
      const reply = send(this.#redis);
      if (!lasting) return await reply;
      return (await Promise.all([reply, this.#confirmed()]))[0];
    } catch (error) {
      throw this.#explain(error);
    }
  }

  async run(script: Script, keys: string[], given: Argument[], how: How = {}): Promise<unknown> {
    try {
      return await this.call((redis) => redis.evalsha(script.sha, keys.length, ...keys, ...given), how);
    } catch (error) {
      // A server that forgot it has done nothing.
      if (!isReply(error, 'NOSCRIPT')) throw error;
      return this.call((redis) => redis.eval(script.lua, keys.length, ...keys, ...given), how);
    }
  }

  /** Done, and confirmed by as many replicas as are waited for; or refused, and nothing happened; or StoreUnavailable. */
  async commit(
    keys: string[],
    given: Argument[],
    { asking, until }: { asking: boolean; until: number },
  ): Promise<[string, number]> {
    const lasting = this.#use.waitReplicas() > 0;
    const latest = this.#clock.latest(Math.min(giveUpMs(this.#use.timeoutMs), until - performance.now()));
    const reply = await this.run(scripts.commit, keys, [latest, ...given], { asking, lasting });
    const [answer, step, theirTime] = reply as [string, number, number];
    this.#clock.heard(theirTime);
    if (answer === 'late') throw new StoreUnavailable('live', new Error('it was reached too late'));
    return [answer, step];
  }

  /** Also of a server that is not fit for use. */
  async state(): Promise<RedisState> {
    try {
      const state = await askForState(this.#redis, this.#use.name ?? (this.peer ? hostName(this.peer) : ''));
      this.#clock.heard(state.theirs);
      return state;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** Breaks the connection and makes a new one, to wherever the address leads now. */
  reconnect(): void {
    // Also one that a frozen server has taken and says nothing on; not while a sentinel is asked, which would end it for good.
    if (['connect', 'ready'].includes(this.#redis.status)) this.#redis.disconnect(true);
  }

  async close(): Promise<void> {
    if (this.#redis.status !== 'ready') return this.#redis.disconnect();
    await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  /** Makes a new connection ready for use; one whose server is not fit is looked at again from time to time. */
  async #prepare(): Promise<void> {
    const { stream } = this.#redis;
    // It may lead to another server than the last one, with a clock of its own.
    this.#clock = openServerClock();
    try {
      for (const { lua } of Object.values(scripts)) await this.#redis.script('LOAD', lua);
      this.#use.accept(await this.state());
      if (this.#redis.stream === stream && this.#redis.status === 'ready') this.#usable = true;
    } catch (error) {
      this.#problem = error;
      setTimeout(() => this.#redis.stream === stream && this.reconnect(), 500).unref();
    }
  }

  #gather(): void {
    if (this.#turn) return;
    const { stream } = this.#redis;
    stream.cork();
    const turn: Turn = {};
    this.#turn = turn;
    setImmediate(() => {
      this.#turn = undefined;
      const { confirmed } = turn;
      if (confirmed)
        this.#redis
          .wait(this.#use.waitReplicas(), this.#use.waitMs)
          .then(confirmed.resolve, (error) => confirmed.reject(this.#unconfirmed(error)));
      stream.uncork();
    });
  }

  /** Resolves when enough replicas have what was sent in this turn of the event loop. */
  async #confirmed(): Promise<void> {
    const turn = this.#turn ?? {};
    turn.confirmed ??= Promise.withResolvers<number>();
    const [by, wanted] = [await turn.confirmed.promise, this.#use.waitReplicas()];
    if (by < wanted)
      throw new StoreUnavailable('live', new Error(`${by} of ${wanted} replicas confirmed it in time`));
  }

  /** WAIT is our own question, so no refusal of it blames the command; a server that became a replica refuses it, for one. */
  #unconfirmed(error: unknown): unknown {
    if (!isReply(error, '')) return error;
    this.reconnect();
    return new StoreUnavailable('live', error);
  }

  #explain(error: unknown): unknown {
    if (error instanceof StoreUnavailable || isMistake(error)) return error;
    return new StoreUnavailable('live', this.#redis.status === 'ready' ? error : (this.#problem ?? error));
  }
}

export type LineUse = {
  /** host:port; undefined where only the sentinels know. */
  name: string | undefined;
  /** Throws when the server is not fit to keep our state. */
  accept(state: RedisState): void;
  /** Called when a connection that was in use has ended. */
  onLost(): void;
  waitReplicas(): number;
  waitMs: number;
  /** Within which a call is answered or refused. */
  timeoutMs: number;
};
type Turn = { confirmed?: PromiseWithResolvers<number> };
type Argument = string | number;
type How = { asking?: boolean; lasting?: boolean };

/** It leaves time to say so. */
const giveUpMs = (timeoutMs: number) => 0.8 * timeoutMs;

const connection = (timeoutMs: number): RedisOptions => ({
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: giveUpMs(timeoutMs),
  // A connection that swallows commands (a dead peer, a lost route) is given up, not only its commands.
  socketTimeout: timeoutMs,
  connectTimeout: 2000,
  disconnectTimeout: 200,
  keepAlive: 10_000,
  retryStrategy: (attempt: number) => Math.min(50 * attempt, 250),
  // One that is reading its data says how long that will take, and would be left alone for that long, a second at least.
  maxLoadingRetryTime: 250,
  // A primary that became a replica: the address may lead to another server now.
  reconnectOnError: (error: Error) => /^(READONLY|UNBLOCKED)\b/.test(error.message),
});

/** An answer of the server that blames the command; everything else is the server's state or the way to it. */
function isMistake(error: unknown): boolean {
  const stateOfServer =
    /^(LOADING|BUSY|READONLY|MASTERDOWN|NOREPLICAS|MISCONF|OOM|CLUSTERDOWN|TRYAGAIN|NOAUTH|UNBLOCKED)\b/;
  return error instanceof Error && error.name === 'ReplyError' && !stateOfServer.test(error.message);
}

export function isReply(error: unknown, code: string): error is Error {
  return error instanceof Error && error.name === 'ReplyError' && error.message.startsWith(code);
}
