/** The types of servers.mjs, which is plain JavaScript because scripts/test.mjs runs it too. */
export type TestServer = {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** kill -9, data kept. */
  kill(): Promise<void>;
  /** Ends it if it runs and starts it on the same port and data. */
  restart(): Promise<void>;
  /** Ends it and removes its data, unless the folder was given. */
  stop(): Promise<void>;
};
export function findProgram(...names: string[]): string | undefined;
export function freePort(): Promise<number>;
export function startRedis(options?: {
  port?: number;
  dir?: string;
  args?: string[];
  calm?: boolean;
}): Promise<TestServer>;
export type TestCluster = {
  /** `redis+cluster://`, naming the primaries. */
  url: string;
  /** The primaries first. */
  nodes: TestServer[];
  stop(): Promise<void>;
};
/** `config`: lines of each redis.conf. */
export function startRedisCluster(options?: {
  nodes?: number;
  replicas?: number;
  nodeTimeoutMs?: number;
  config?: string[];
}): Promise<TestCluster>;
export type TestSentinel = {
  /** `redis+sentinel://`, with the password of the sentinels. */
  url: string;
  /** The first primary first. */
  nodes: TestServer[];
  sentinels: TestServer[];
  /** The node that the sentinels call the primary now; undefined when none of them answers. */
  primary(): Promise<TestServer | undefined>;
  stop(): Promise<void>;
};
export function startRedisSentinel(options?: {
  replicas?: number;
  sentinels?: number;
  downAfterMs?: number;
  config?: string[];
}): Promise<TestSentinel>;
export function startPostgres(options?: {
  port?: number;
  args?: string[];
  calm?: boolean;
}): Promise<TestServer>;
