import { z } from 'zod';
import { hours } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import type { LiveKey } from '../store/live.ts';

/**
 * What is to be remembered of passkeys from the sign-in page to the end of the sign-in, beside the interaction and for as
 * long as it may last. None of it proves anything: at worst a page is offered that the browser can do nothing with.
 *
 *   {passkey.<interaction>}:browser    what the page's script said the browser can do
 *   {passkey.<interaction>}:shown      a passkey that verified its user and counts for one factor as yet
 */
const ability = z.enum(['offer', 'quiet']);
/** `offer`: it has an authenticator of its own. `quiet`: that one makes a passkey without asking, beside a saved password. */
export type BrowserAbility = z.output<typeof ability>;

/** Longer than an interaction lives. */
const life = 2 * hours;

export async function noteBrowserCan(
  { live }: Pick<Services, 'live'>,
  interactionUid: string,
  can: readonly BrowserAbility[],
): Promise<void> {
  await put(live, keyOf(interactionUid, 'browser'), JSON.stringify(can));
}

export async function notePasskeyShown(
  { live }: Pick<Services, 'live'>,
  interactionUid: string,
  passkeyId: string,
): Promise<void> {
  await put(live, keyOf(interactionUid, 'shown'), passkeyId);
}

export async function findPasskeyVisit(
  { live }: Pick<Services, 'live'>,
  interactionUid: string,
): Promise<{ can: BrowserAbility[]; shown: string | undefined }> {
  const [browser, shown] = await live.read([
    keyOf(interactionUid, 'browser'),
    keyOf(interactionUid, 'shown'),
  ]);
  return { can: z.array(ability).parse(JSON.parse(browser?.value ?? '[]')), shown: shown?.value };
}

async function put(live: Services['live'], key: LiveKey, value: string): Promise<void> {
  await live.commit([{ do: 'put', key, value, ttlMs: life }]);
}

function keyOf(interactionUid: string, what: 'browser' | 'shown'): LiveKey {
  return `{passkey.${interactionUid}}:${what}`;
}
