/** The types of server-process.mjs, as far as tests use it themselves. */
import type { TestServer } from './servers.mjs';

export function runServer(server: {
  url: string;
  port: number;
  folder: { path: string; remove(): void };
  user?: { uid: number; gid: number };
  command: string[];
  endSignal: string;
  lastSignal: string;
  isReady(): Promise<boolean>;
}): Promise<TestServer>;
export function openFolder(prefix: string): { path: string; remove(): void };
