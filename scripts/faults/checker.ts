import { listEvents, type RecordedEvent } from '../../src/audit/list.ts';
import { openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import type { Entry } from './ledger.ts';
import { asAdmin } from './redis-kinds.ts';
import type { Stage } from './stage.ts';

/** Joins the ledger with the audit record and the stores. What operations saw as they went along is in the findings already. */
export async function check(
  stage: Stage,
  { allowed = () => false }: { allowed?: (entry: Entry) => boolean } = {},
) {
  checkSingleUse(stage);
  checkAnswers(stage, allowed);
  const alarms = await checkRecords(stage);
  await checkKeys(stage);
  return { alarms };
}

/** I1: of each code and refresh token there was one success; I2 follows, for each success gives one successor. */
function checkSingleUse({ ledger, findings }: Stage): void {
  const uses = ledger.entries.filter(
    ({ kind, status }) => (kind === 'redeem' || kind === 'refresh') && status === 200,
  );
  for (const [artefact, successes] of Map.groupBy(uses, (entry) => String(entry.artefact)))
    if (successes.length > 1)
      findings.add(
        successes[0]?.kind === 'redeem' ? 'I1' : 'I2',
        'something single-use worked more than once',
        `${successes[0]?.kind} ${artefact}: ${successes.length}`,
      );
}

const latestMs = 2000;
const planned = new Set([200, 303, 400, 401, 503]);

/** I7. `allowed`: what the recipe cannot help, such as the requests that a killed node had in hand. */
function checkAnswers({ ledger, findings }: Stage, allowed: (entry: Entry) => boolean): void {
  for (const entry of ledger.entries) {
    const said = `${entry.kind} ${entry.status} after ${Math.round(entry.end - entry.start)} ms by ${entry.nodes}`;
    if (entry.end - entry.start > latestMs) findings.add('I7', 'an answer came later than two seconds', said);
    if (allowed(entry) || (entry.kind === 'probe' && entry.fault === 'ECONNREFUSED')) continue;
    if (entry.fault) findings.add('I7', entry.status === 0 ? `no answer: ${entry.fault}` : entry.fault, said);
    else if (!planned.has(entry.status))
      findings.add('I7', `an answer that is not documented: ${entry.status}`, said);
  }
}

/** I6: who is said to have used something twice did so in the ledger. And what was allowed stands in the records. */
async function checkRecords({ bed, ledger, findings }: Stage): Promise<number> {
  const services = await openServices(readSettings({ ...bed.environment, LOG_LEVEL: 'silent' }));
  try {
    const replayedAt = new Map<string | undefined, number>();
    for (const { kind, grant, start } of ledger.entries)
      if (kind === 'replay') replayedAt.set(grant, Math.min(start, replayedAt.get(grant) ?? start));
    const alarms = await reuseAlarms(services);
    const wrong = alarms.filter(
      ({ at, detail }) => at < (replayedAt.get(String(detail['grant'])) ?? Infinity) - 50,
    );
    for (const { type, detail, at } of wrong)
      findings.add('I6', `a false alarm: ${type}`, `${detail['grant']} at ${new Date(at).toISOString()}`);
    const rows = await services.db.selectFrom('consents').select(['account_id']).execute();
    const given = new Set(
      ledger.entries.filter(({ kind, status }) => kind === 'consent' && status === 303).map(({ who }) => who),
    );
    if (rows.length < given.size)
      findings.add(
        'I3',
        'consents that were acknowledged are missing',
        `${given.size} given, ${rows.length} kept`,
      );
    return wrong.length;
  } finally {
    await services.close();
  }
}

async function reuseAlarms(services: Parameters<typeof listEvents>[0]): Promise<RecordedEvent[]> {
  const types = ['code.reuse_detected', 'refresh_token.reuse_detected'] as const;
  const all: RecordedEvent[] = [];
  for (;;) {
    const before = all.at(-1)?.id;
    const some = await listEvents(services, { types, before, limit: 1000 });
    all.push(...some);
    if (some.length < 1000) return all;
  }
}

/** I8: whatever lies in Redis ends by itself. */
async function checkKeys({ bed, findings }: Stage): Promise<void> {
  for (const { url } of bed.redis.servers) {
    const lasting = await asAdmin(url, async (redis) => {
      // What a replica has, its primary has too.
      if (((await redis.call('ROLE')) as string[])[0] !== 'master') return [];
      const found: string[] = [];
      for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
        const [next, keys] = await redis.scan(cursor, 'COUNT', 1000);
        cursor = next;
        const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
        found.push(...keys.filter((_, place) => lives[place] === -1));
      }
      return found;
    });
    for (const key of lasting) findings.add('I8', 'a key that never ends', key.replace(/[\w-]{20,}/g, '...'));
  }
}
