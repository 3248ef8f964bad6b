import { answerTheBench } from './measured-process.ts';
import { watchStores } from './store-calls.ts';

/** Our server just as `latchkey start` runs it, with its settings in the environment. */
export async function serveLatchkey(): Promise<void> {
  watchStores();
  const { startServer } = await import('../../src/main.ts');
  const { stop } = await startServer(process.env);
  answerTheBench(stop);
}
