import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { type Piece, watchCpu } from './quiet.ts';
import { type StoreCalls, startCounting, stopCounting } from './store-calls.ts';

/** The two ends of the line between the bench and a server it measures. The server ends when the line does. */
type Question = 'watch' | 'watched' | 'count' | 'counted' | 'profile' | 'stop';

export type MeasuredProcess = {
  pid: number;
  /** Watches its CPU from now on. */
  watch(): Promise<void>;
  /** What that was until now. */
  watched(): Promise<Piece[]>;
  count(): Promise<void>;
  counted(): Promise<StoreCalls>;
  /** Profiles its main thread from now on until it is called again, with where to write that. */
  profile(file?: string): Promise<void>;
  stop(): Promise<void>;
};

/** The server's end. */
export function answerTheBench(stop: () => Promise<void>): void {
  let watched: () => Piece[] = () => [];
  const answers: Record<Question, (file?: string) => unknown> = {
    watch: () => {
      watched = watchCpu();
    },
    watched: () => watched(),
    count: () => startCounting(),
    counted: () => stopCounting(),
    profile: (file) => (file === undefined ? startProfile() : writeProfile(file)),
    stop: () => void stop().finally(() => process.exit(0)),
  };
  process.on('message', async ({ question, file }: { question: Question; file?: string }) => {
    process.send?.({ answer: (await answers[question](file)) ?? null });
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ ready: true });
}

const inspector = new Session();

async function startProfile(): Promise<void> {
  inspector.connect();
  await inspector.post('Profiler.enable');
  await inspector.post('Profiler.setSamplingInterval', { interval: 250 });
  await inspector.post('Profiler.start');
}

async function writeProfile(file: string): Promise<void> {
  const { profile } = await inspector.post('Profiler.stop');
  inspector.disconnect();
  writeFileSync(file, JSON.stringify(profile));
}

/** Starts `bench.ts --serve <what>`, which prints nothing that matters; what it complains of is seen. */
export async function startMeasured(
  what: string,
  environment: Record<string, string>,
): Promise<MeasuredProcess> {
  const child = fork(process.argv[1] as string, ['--serve', what], {
    env: { PATH: process.env['PATH'], TZ: 'UTC', NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // As the first line of bin/latchkey.mjs starts it.
    execArgv: what === 'latchkey' ? ['--max-semi-space-size=32'] : [],
  });
  const exited = once(child, 'exit');
  await Promise.race([
    once(child, 'message'),
    exited.then(() => Promise.reject(new Error(`${what} did not start`))),
  ]);
  return {
    pid: child.pid as number,
    watch: async () => void (await ask(child, 'watch')),
    watched: () => ask<Piece[]>(child, 'watched'),
    count: async () => void (await ask(child, 'count')),
    counted: () => ask<StoreCalls>(child, 'counted'),
    profile: async (file) => void (await ask(child, 'profile', file)),
    async stop() {
      child.send({ question: 'stop' });
      await exited;
    },
  };
}

function ask<Reply>(child: ChildProcess, question: Question, file?: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('a server ended while it was measured'));
    child.once('exit', gone);
    child.once('message', ({ answer }: { answer: Reply }) => {
      child.off('exit', gone);
      resolve(answer);
    });
    child.send({ question, file });
  });
}
