import type { LiveStep } from '../store/live.ts';
import type { RequestMemory } from './request-memory.ts';

/**
 * The engine uses up what an app presents before it has looked at all of the request: at the account, the proof of the key, the
 * API that is named. What it wrote until it refused is nothing that anybody was given, and who comes again must not look like
 * a thief. So a refused token request uses up nothing but a code: a code MUST NOT be used twice (RFC 6749 section 4.1.2) and is
 * over with its first use at the token endpoint (RFC 9700 section 4.2.4), whatever came of it. Of a refresh token nothing of the
 * kind is said; nor of device codes and CIBA requests, for which a person would have to be asked again.
 * And where the answer is ours to be sorry for (5xx), the app is to come again with the very same: then the code stays as well.
 */
export function forgetRefused(
  { status }: { status: number },
  memory: Pick<RequestMemory, 'writes' | 'rotation'>,
): void {
  if (status < 400) return;
  if (memory.rotation) delete memory.rotation.use;
  const ofCode = status < 500 && memory.writes.some(usesCode);
  memory.writes = ofCode ? memory.writes.filter((step) => step.do === 'require' || usesCode(step)) : [];
}

function usesCode({ do: what, key }: LiveStep): boolean {
  return what === 'consume' && key.includes('}:c:');
}
