import { listFailures } from '../../src/limits/failures.ts';
import type { Services } from '../../src/services.ts';

/** Whether the password was guessed at until it went off. Only for its owner, who is signed in. */
export async function passwordIsOff(app: Pick<Services, 'db'>, accountId: string): Promise<boolean> {
  const failures = await listFailures(app, accountId);
  return failures.some(({ proof, off }) => proof === 'password' && off);
}
