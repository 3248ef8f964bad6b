import { performance } from 'node:perf_hooks';
import { disableClient, enableClient } from '../../src/actions/disable-client.ts';
import { inBatches } from '../../src/kit/in-batches.ts';
import { newId } from '../../src/kit/secrets.ts';
import { inAccountIndex, inClientIndex, layout } from '../../src/oidc/live-layout.ts';
import { writeGrant } from '../../src/oidc/record-forms.ts';
import type { Services } from '../../src/services.ts';
import { machineApp } from './apps.ts';
import { percentile, type Work } from './load.ts';
import { withWire } from './members.ts';
import type { Target } from './targets.ts';

/** An app of so many people is disabled by the command line, while the server is asked about tokens of another app. */
export type Ended = { perGrant: number; seconds: number; meanwhileP99: number };

const { clientId } = machineApp;
const day = 86_400_000;

export async function endingOf(
  target: Target,
  services: Services,
  { grants, work }: { grants: number; work: Work },
): Promise<Ended> {
  await addGrants(services, grants);
  const before = performance.now();
  const ending = { over: false };
  const ended = disableClient(services, { clientId, reason: 'the bench' }).finally(() => {
    ending.over = true;
  });
  const latencies = await askMeanwhile(target, work, ending);
  const done = await ended;
  const ms = performance.now() - before;
  if (!done.ok || done.grants !== grants) throw new Error(`ended: ${JSON.stringify(done)}`);
  await enableClient(services, { clientId });
  return { perGrant: ms / grants, seconds: ms / 1000, meanwhileP99: percentile(latencies, 0.99) };
}

async function askMeanwhile(target: Target, work: Work, ending: { over: boolean }): Promise<number[]> {
  const latencies: number[] = [];
  await withWire(target, async (wire) => {
    while (!ending.over) {
      const before = performance.now();
      await work(wire, 0);
      latencies.push(performance.now() - before);
    }
  });
  return latencies;
}

/** Each of somebody else. */
async function addGrants({ live, clock }: Services, count: number): Promise<void> {
  const listed = { do: 'enlist', expiresAt: clock.now() + 30 * day } as const;
  const [iat, exp] = [clock.now(), clock.now() + 30 * day].map((ms) => Math.floor(ms / 1000));
  await inBatches(Array.from({ length: count }), 100, async () => {
    const grant = { grantId: newId(), accountId: newId(), clientId };
    const { grantId, accountId } = grant;
    const value = writeGrant({
      iat,
      exp,
      kind: 'Grant',
      accountId,
      clientId,
      openid: { scope: 'openid email' },
    } as never);
    await Promise.all([
      live.commit([{ do: 'put', key: layout.grant(grantId), value, ttlMs: 30 * day }]),
      live.commit([{ ...listed, key: layout.accountGrants(accountId), member: inAccountIndex(grant) }]),
      live.commit([{ ...listed, key: layout.clientGrants(clientId), member: inClientIndex(grant) }]),
    ]);
  });
}
