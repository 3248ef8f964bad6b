import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from '../../../test/support/person.ts';
import { check } from '../checker.ts';
import { askPath, type Family, type Member } from '../crowd.ts';
import { now } from '../ledger.ts';
import { authorizeOnce } from '../operations.ts';
import { gather, type Measured, type Recipe } from '../recipe.ts';
import { settle } from '../settle.ts';
import { somebody, upToTheCode } from '../sign-ups.ts';
import type { Stage } from '../stage.ts';
import { atLeast, withinMs, zero } from '../targets.ts';
import { redeem, refresh } from '../tokens.ts';

/**
 * F3: a store does what it was told, and the reply to that very command is lost with its connection. Nothing else goes on, so
 * that the command is the one that was meant. An attempt says whether it came to what it should, or what was seen instead.
 */
type Attempt = () => Promise<boolean | string>;
type Series = {
  name: string;
  store: 'redis' | 'postgres';
  /** The command that the reply belongs to, by a text in it. */
  command: string;
  prepare(stage: Stage, rounds: number): Promise<Attempt[]>;
};

const series: Series[] = [
  { name: 'refresh, its read', store: 'redis', command: 'mget', prepare: refreshes },
  { name: 'refresh, its commit', store: 'redis', command: 'consume', prepare: refreshes },
  { name: 'code, its commit', store: 'redis', command: 'consume', prepare: redemptions },
  { name: 'consent, its record', store: 'postgres', command: '"allowed_scopes" = $', prepare: consents },
  { name: 'sign-up, its COMMIT', store: 'postgres', command: 'commit', prepare: signUps },
];

export const replyLost: Recipe = {
  name: 'F3',
  title: 'Reply lost',
  bed: { proxies: true },
  async play(stage, effort) {
    await gather(stage, effort);
    const rounds = Math.max(20, Math.min(200, Math.round(200 * effort.length)));
    const measured: Measured[] = [];
    const proof: string[] = [];
    for (const one of series) {
      const { cuts, first, failed, slowest } = await playSeries(stage, one, rounds);
      proof.push(`${one.name}: ${cuts} replies cut`);
      measured.push(
        {
          what: `${one.name}: done at once`,
          figure: `${first} of ${cuts}`,
          target: 'any',
          met: cuts === rounds,
        },
        atLeast(`${one.name}: done with one repeat`, ((rounds - failed) / rounds) * 100, 99.5),
        withinMs(`${one.name}: slowest answer`, slowest, 2000),
      );
    }
    await settle(stage);
    const { alarms } = await check(stage);
    const { findings } = stage;
    measured.push(
      zero('acknowledged writes lost', findings.count('I3') + findings.count('I4')),
      zero('false alarms', alarms + findings.count('I6')),
    );
    return { proof, measured };
  },
};

async function playSeries(stage: Stage, { name, store, command, prepare }: Series, rounds: number) {
  const proxy = stage.bed.proxies?.[store];
  if (!proxy) throw new Error('F3 needs proxies');
  const attempts = await prepare(stage, rounds);
  const before = proxy.cuts();
  const tally = { first: 0, failed: 0, slowest: 0 };
  for (const attempt of attempts) {
    proxy.cutReplyTo(command);
    const from = performance.now();
    const done = (await attempt()) === true;
    tally.slowest = Math.max(tally.slowest, performance.now() - from);
    if (done) tally.first += 1;
    else {
      // As soon as a person presses again; what an app waits longer for is only easier.
      await sleep(300);
      const repeated = await attempt();
      if (repeated !== true) {
        tally.failed += 1;
        stage.findings.add('target', `${name}: the repeat failed too`, repeated || undefined);
      }
    }
    await sleep(20);
  }
  return { ...tally, cuts: proxy.cuts() - before };
}

/** An app that does not wait: `refresh` and `redeem` come again by themselves only after what they may wait for. */
async function refreshes(stage: Stage, rounds: number): Promise<Attempt[]> {
  const { families } = stage.crowd;
  return Array.from({ length: rounds }, (_, place) => {
    const family = families[place % families.length] as Family;
    return () => refresh(stage, family, true);
  });
}

async function redemptions(stage: Stage, rounds: number): Promise<Attempt[]> {
  const { crowd } = stage;
  return Array.from({ length: rounds }, (_, place) => {
    const member = crowd.members[place % crowd.members.length] as (typeof crowd.members)[number];
    let code: (typeof crowd.codes)[number] | undefined;
    return async () => {
      const retried = code !== undefined;
      if (!code) {
        // The cut is meant for what follows: nothing of this is a `consume`.
        await authorizeOnce(stage, member);
        code = crowd.codes.pop();
      }
      if (!code) return false;
      return (await redeem(stage, { ...code, at: now(), retried, once: true })) !== undefined;
    };
  });
}

/** Each at the consent page again, as an app may have it shown; one browser for each person, as cookies change on the way. */
async function consents({ bed, crowd }: Stage, rounds: number): Promise<Attempt[]> {
  const people = await Promise.all(
    crowd.members.map(async ({ cookie }) => {
      const person = somebody(bed);
      for (const pair of cookie.split('; '))
        await person.cookies.setCookie(`${pair}; path=/; secure`, bed.issuer);
      return person;
    }),
  );
  return Array.from({ length: rounds }, (_, round) => {
    const place = round % people.length;
    const [person, member] = [people[place] as Person, crowd.members[place] as Member];
    let page: string | undefined;
    return async () => {
      // At first to the page; then back to it, and pressed again.
      await person.goes(page ?? `${bed.issuer}${askPath({ prompt: 'consent' })}`);
      if (!person.left) {
        page = person.url;
        await person.decides('allow', { scope: ['profile', 'email', 'offline_access'] });
      }
      member.cookie = person.cookieHeader(`${bed.issuer}/authorize`);
      return person.left?.searchParams.has('code') || whatIsSeen(person);
    };
  });
}

function whatIsSeen(person: Person): string {
  return person.left?.search ?? `${person.status} ${person.heading}: ${person.alert}`;
}

async function signUps(stage: Stage, rounds: number): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (let begun = 0; begun < rounds; begun += 10) {
    const some = Array.from({ length: Math.min(10, rounds - begun) }, () => upToTheCode(stage.bed));
    for (const { person, code } of await Promise.all(some)) {
      const page = person.url;
      attempts.push(async () => {
        if (person.status !== 200) await person.goes(page.replace(/\/prove$/, ''));
        await person.submits({ code });
        const asked = person.html.forms.some(({ buttons }) =>
          buttons.some(({ name }) => name === 'decision'),
        );
        return (asked && !person.alert) || whatIsSeen(person);
      });
    }
  }
  return attempts;
}
