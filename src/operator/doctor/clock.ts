import type { Settings } from '../../settings.ts';
import type { Finding } from './finding.ts';

const about = 'clock';

/**
 * Clocks that disagree make codes of authenticator apps wrong, tokens "not yet valid" and sessions end early. Here the
 * one of this machine against that of whoever answers at the issuer's address; those of the stores stand with the stores.
 */
export async function examineClock({ issuer }: Settings): Promise<Finding[]> {
  const asked = Date.now();
  const answer = await fetch(`${issuer.origin}/healthz`, {
    redirect: 'manual',
    signal: AbortSignal.timeout(5000),
  }).catch(() => undefined);
  const date = Date.parse(answer?.headers.get('date') ?? '');
  await answer?.body?.cancel();
  if (Number.isNaN(date)) return [];
  // The header is cut to the second.
  const found = skewFinding('the issuer', date + 500, (asked + Date.now()) / 2);
  return found.length > 0 ? found : [{ verdict: 'OK', about, finding: 'agrees with that of the issuer' }];
}

/** Both in epoch milliseconds. Nothing to say below two seconds. */
export function skewFinding(who: string, theirs: number, ours: number): Finding[] {
  const seconds = Math.round((theirs - ours) / 1000);
  if (Math.abs(theirs - ours) < 2000) return [];
  return [
    {
      verdict: Math.abs(seconds) >= 15 ? 'FAIL' : 'WARN',
      about,
      finding: `of ${who} is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} this machine's`,
      advice:
        'let both be set by NTP (timedatectl set-ntp true): codes of authenticator apps are good for 30 s',
    },
  ];
}
