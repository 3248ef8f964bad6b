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
export function startRedis(options?: { port?: number; dir?: string; args?: string[] }): Promise<TestServer>;
export function startPostgres(options?: { port?: number; args?: string[] }): Promise<TestServer>;
