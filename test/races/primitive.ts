import { setTimeout as sleep } from 'node:timers/promises';
import type { Services } from '../../src/services.ts';
import { type Answer, type Asked, isBusy, jsonOf, redirected } from './last-byte.ts';
import type { RaceWorld } from './race-world.ts';

/**
 * One row of the race matrix: a thing that is good once (or `most` times), how to make one, how to use it, what winning
 * looks like, and what is in the stores afterwards. races.md in docs says how to add one.
 */
export type Row<Artefact extends object> = {
  /** As the list of what there is to race (section 4 of the reliability reference) calls it. */
  name: string;
  /** How many uses at once: half of them at each node. */
  uses: number;
  /** The most successes there may be. */
  most: number;
  /** A limit: exactly `most` get through. */
  exactly?: true;
  /** `slot` runs from 0 to the number of rounds that overlap: two rounds at once have different ones. */
  make(world: RaceWorld, slot: number): Promise<Artefact>;
  use(artefact: Artefact, place: number, world: RaceWorld): Use;
  /** `true`, or what the success gave out, where several answers may carry the same one; `false` for a loser. */
  wins(answer: Answer, artefact: Artefact): boolean | string;
  /** What losers may be told. Anything else is a fault. */
  losers: readonly Refusal[];
  /** What the uses left behind in the stores. `keys`: everything in the live state by its keys. */
  effects(world: RaceWorld, artefact: Artefact, keys: KeysByPartition): Promise<number>;
  /** How many effects there must be, where that is not the number of successes. */
  leaves?: number;
  /** How often a reuse is told in a round that was won (code.reuse_detected, refresh_token.reuse_detected). */
  alarm: 'never' | 'may' | 'once';
  /** What must hold after the race, as sentences when it does not. */
  after?(world: RaceWorld, artefact: Artefact, answers: readonly Answer[]): Promise<string[]>;
};

/** `first`: when somebody has won, or nobody is left to, for a verb that is to come while the others are half done. */
type Use = { request: Asked } | { verb(desk: Services, first: Promise<unknown>): Promise<object> };
/** `reason`: of a verb's no. */
export type Refusal = { status: number; error?: string; reason?: string; leadsTo?: RegExp };
export type KeysByPartition = ReadonlyMap<string, readonly string[]>;

/** A round that was played: what came of it, and what to count once the stores are quiet. */
export type Played = {
  successes: number;
  /** 503 with Retry-After: a store that was too busy. Allowed, and no success. */
  busy: number;
  faults: string[];
  /** What the answers were, for whoever has to find out. */
  told: string;
  effects(keys: KeysByPartition): Promise<number>;
};

export type Primitive = Pick<Row<object>, 'name' | 'uses' | 'most' | 'exactly' | 'leaves' | 'alarm'> & {
  play(world: RaceWorld, slot: number): Promise<Played>;
  /** One of them, for what goes wrong when nobody races. */
  alone(world: RaceWorld): Promise<Alone>;
};

/** `said`: the answer in short; `won`: what the success gave out, as `wins` says it; `refused`: as losers are. */
export type Alone = {
  use(): Promise<{ status: number; said: string; won: boolean | string; refused: boolean }>;
  effects(keys: KeysByPartition): Promise<number>;
};

export function primitive<Artefact extends object>(row: Row<Artefact>): Primitive {
  return {
    ...row,
    play: (world, slot) => play(row, world, slot),
    alone: (world) => alone(row, world),
  };
}

async function alone<Artefact extends object>(row: Row<Artefact>, world: RaceWorld): Promise<Alone> {
  const artefact = await made(() => row.make(world, 0));
  return {
    async use() {
      const use = row.use(artefact, 0, world);
      const [[node], [desk]] = [world.nodes, world.desks];
      const answer =
        'request' in use
          ? await (await node.load(use.request)).fire()
          : await answerOf(use.verb(desk, Promise.resolve()));
      const refused = row.losers.some((refusal) => isRefusal(answer, refusal));
      return { status: answer.status, said: told(answer), won: row.wins(answer, artefact), refused };
    },
    effects: (keys) => row.effects(world, artefact, keys),
  };
}

async function play<Artefact extends object>(
  row: Row<Artefact>,
  world: RaceWorld,
  slot: number,
): Promise<Played> {
  const artefact = await made(() => row.make(world, slot));
  const uses = Array.from({ length: row.uses }, (_, place) => row.use(artefact, place, world));
  const answers = await together(world, uses, (answer) => row.wins(answer, artefact) !== false);
  const won = answers.map((answer) => row.wins(answer, artefact));
  const losers = answers.filter((_, place) => won[place] === false);
  const busy = losers.filter(isBusy);
  const successes = new Set(
    won.flatMap((what, place) => (what === false ? [] : [what === true ? place : what])),
  );
  const faults = losers
    .filter((answer) => !isBusy(answer) && !row.losers.some((refusal) => isRefusal(answer, refusal)))
    .map((answer) => `a loser was told ${told(answer)}`);
  if (successes.size > row.most) faults.push(`${successes.size} successes`);
  if (row.exactly && busy.length === 0 && successes.size < row.most)
    faults.push(`only ${successes.size} got through`);
  faults.push(...answers.flatMap((answer) => mixed(answer, artefact)));
  faults.push(...((await row.after?.(world, artefact, answers)) ?? []));
  return {
    successes: successes.size,
    busy: busy.length,
    faults,
    told: tally(answers),
    effects: (keys) => row.effects(world, artefact, keys),
  };
}

/** Preparing is not what is raced: on a busy machine it may take several tries. */
async function made<Artefact>(make: () => Promise<Artefact>): Promise<Artefact> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await make();
    } catch (error) {
      if (tries === 5) throw error;
      await sleep(300);
    }
  }
}

/** Everything but the last byte goes out; when the servers have it, all last bytes do, in one tick. */
async function together(
  world: RaceWorld,
  uses: readonly Use[],
  isWon: (answer: Answer) => boolean,
): Promise<Answer[]> {
  const { promise: first, resolve } = Promise.withResolvers<unknown>();
  const loaded = await Promise.all(
    uses.map(async (use, place) => {
      if ('request' in use) return (await world.nodes[place % 2 === 0 ? 0 : 1].load(use.request)).fire;
      return () => answerOf(use.verb(world.desks[place % 2 === 0 ? 0 : 1], first));
    }),
  );
  await sleep(8);
  const answers = loaded.map((fire) => fire());
  const requests = answers.filter((_, place) => 'request' in (uses[place] as Use));
  for (const request of requests) request.then((answer) => isWon(answer) && resolve(answer), resolve);
  Promise.allSettled(requests).then(resolve, resolve);
  return Promise.all(answers);
}

/** A verb that answers is as good as a page that does; one that throws is a 500. */
async function answerOf(doing: Promise<object>): Promise<Answer> {
  try {
    return { status: 200, head: '', body: JSON.stringify(await doing) };
  } catch (error) {
    const { name, stack } = error as Error;
    if (name === 'StoreUnavailable') return { status: 503, head: '\r\nretry-after: 1', body: '' };
    return { status: 500, head: '', body: String(stack) };
  }
}

function isRefusal(answer: Answer, { status, error, reason, leadsTo }: Refusal): boolean {
  if (answer.status !== status) return false;
  if (reason !== undefined && jsonOf(answer)['reason'] !== reason) return false;
  if (error !== undefined && jsonOf(answer)['error'] !== error && redirected(answer, 'error') !== error)
    return false;
  return !leadsTo || leadsTo.test(/\r\nlocation: ([^\r]*)/i.exec(answer.head)?.[1] ?? '');
}

function told({ status, head, body }: Answer): string {
  const location = /\r\nlocation: ([^\r]*)/i.exec(head)?.[1];
  return `${status} ${
    location ??
    body
      .replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .slice(0, 300)
  }`;
}

/** `3 x 200, 17 x 400` */
function tally(answers: readonly Answer[]): string {
  const kinds = answers.map(({ status, head }) =>
    `${status} ${/\r\nlocation: \/?(\w*)/i.exec(head)?.[1] ?? ''}`.trim(),
  );
  return [...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => `${all.length} x ${kind}`).join(', ');
}

/** No answer may be about somebody else: the subject is the person of this round, wherever one is named. */
function mixed(answer: Answer, artefact: object): string[] {
  const { accountId } = artefact as { accountId?: string };
  if (accountId === undefined) return [];
  const json = jsonOf(answer);
  const claims = typeof json['id_token'] === 'string' ? claimsIn(json['id_token']) : {};
  return [json['sub'], claims['sub']]
    .filter((sub) => sub !== undefined && sub !== accountId)
    .map((sub) => `an answer for ${accountId} is about ${String(sub)}`);
}

function claimsIn(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}
