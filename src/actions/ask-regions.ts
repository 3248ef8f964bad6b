import { createHmac } from 'node:crypto';
import type { Identifier } from '../accounts/identifier.ts';
import { seconds } from '../kit/durations.ts';
import { sendMessage } from '../mail/message.ts';
import type { Services } from '../services.ts';
import type { Region } from '../settings/regions.ts';
import { wayTo } from '../web/egress.ts';
import { describeError } from '../web/log.ts';
import type { Locale } from '../web/words.ts';

/**
 * Whether an address has an account at another of our sites (REGIONS). Nobody is told but the address itself, by a message: so
 * the page that somebody forgot their password on looks the same for everybody, takes the same time, and says where
 * else accounts may be to all alike. Sites ask each other only with the secret that they share.
 */
type Context = Pick<Services, 'db' | 'clock' | 'seals' | 'settings' | 'log'>;
export type RegionQuestion = { channel: string; address: string; at: string; to: string };

const patience = 3 * seconds;

/** Runs beside the request that it came with, and is never waited for. */
export function tellWhereAccountIs(
  ctx: Context,
  { to, hasAccount, locale }: { to: Identifier; hasAccount: boolean; locale: Locale },
): void {
  const { REGIONS, REGIONS_SECRET } = ctx.settings;
  if (REGIONS.length === 0 || REGIONS_SECRET === undefined) return;
  // Who has an account here is asked for all the same, and told nothing.
  askRegions(ctx, to)
    .then(async (region) => {
      if (!region || hasAccount) return;
      const values = { region: region.name, site: new URL(region.issuer).host };
      await sendMessage(ctx, { to, locale, template: 'account_elsewhere', values });
    })
    .catch((error: unknown) =>
      ctx.log.warn({ error: describeError(error) }, 'another region could not be asked'),
    );
}

/** The first that has it. One that does not answer has not. */
async function askRegions(ctx: Context, address: Identifier): Promise<Region | undefined> {
  const answers = await Promise.all(
    ctx.settings.REGIONS.map(async (region) => ((await ask(ctx, region, address)) ? region : undefined)),
  );
  return answers.find((one) => one !== undefined);
}

async function ask({ settings, clock, log }: Context, { issuer }: Region, { channel, address }: Identifier) {
  const url = new URL('/regions/lookup', issuer);
  if (wayTo(url, settings) === 'none') return false;
  const question = { channel, address, at: String(clock.now()), to: issuer };
  const body = new URLSearchParams({ ...question, mac: regionMac(settings.REGIONS_SECRET ?? '', question) });
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(patience),
    });
    return answer.ok && ((await answer.json()) as { known?: unknown }).known === true;
  } catch (error) {
    log.warn({ error: describeError(error), region: issuer }, 'another region did not answer');
    return false;
  }
}

/** Over every member, each with its length, so that no two questions have the same text. */
export function regionMac(secret: string, { channel, address, at, to }: RegionQuestion): string {
  const text = [channel, address, at, to].map((one) => `${one.length}:${one}`).join('');
  return createHmac('sha256', secret).update(`latchkey region lookup ${text}`).digest('base64url');
}
