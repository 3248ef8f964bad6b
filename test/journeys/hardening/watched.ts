import type { Answer } from '../../support/wire.ts';
import type { World } from '../../support/world.ts';

/** What a server asks by the clock and not for a request: who looks for new messages does it every two seconds. */
const byItself = /"versions"|^pragma data_version|^update "messages"|"logout_notices"|"ciba_pings"/;

/** What a server did for a request, as far as it costs time: the queries by their text, the calls to the live state, the hashes. */
export type Work = { queries: string[]; live: string[]; hashes: number };

/** Listens at the stores themselves; everything that is done goes through and is noted. */
export function watchWork({ services }: World): { during<T>(act: () => Promise<T>): Promise<[T, Work]> } {
  let work: Work = { queries: [], live: [], hashes: 0 };
  const executor = services.db.getExecutor();
  const executeQuery = executor.executeQuery.bind(executor);
  executor.executeQuery = ((query: { sql: string }, ...rest: unknown[]) => {
    // The engine looks for new keys once a second, whoever asks what.
    if (!byItself.test(query.sql)) work.queries.push(query.sql);
    return (executeQuery as (...given: unknown[]) => unknown)(query, ...rest);
  }) as typeof executor.executeQuery;
  const live = services.live as unknown as Record<string, (...given: unknown[]) => unknown>;
  for (const name of ['read', 'commit', 'count', 'members']) {
    const original = live[name]?.bind(services.live);
    if (!original) throw new Error(`the live state has no ${name}`);
    live[name] = (...given) => {
      // Once a second it is asked how much everybody tries, whoever comes then.
      if (!/^\{pressure\.\w+\.everyone\}/.test(String(given[0]))) work.live.push(name);
      return original(...given);
    };
  }
  const hashes = async () => {
    const { values } = await services.metrics.hashSeconds.get();
    return values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0;
  };
  return {
    async during(act) {
      work = { queries: [], live: [], hashes: 0 };
      const before = await hashes();
      const result = await act();
      return [result, { ...structuredClone(work), hashes: (await hashes()) - before }];
    },
  };
}

/** An answer without what is new in each: nonces, ids of interactions, the reference, and the address that was typed. */
export function likeness(answer: Answer, { typed }: { typed: string }): object {
  const { status, headers, text } = answer;
  const masked = (value: string) =>
    value
      .replaceAll(typed, 'TYPED')
      .replace(/\/interaction\/[\w-]{43}/g, '/interaction/UID')
      .replace(/interaction\.[\w-]{43}/g, 'interaction.UID')
      .replace(/nonce(-|=")[\w-]+/g, 'nonce');
  const { date: _date, ...kept } = headers;
  return {
    status,
    headers: Object.entries(kept).map(([name, value]) => [name, masked(String(value))]),
    body: masked(text),
  };
}
