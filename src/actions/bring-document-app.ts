import { fetchDocument, isBlocked, isDocumentAddress } from '../../clients/registry/fetch-document.ts';
import { findClient } from '../../clients/registry/registry.ts';
import { minutes } from '../kit/durations.ts';
import { type LimitContext, takeFromLimits } from '../limits/limits.ts';
import { currentContext } from '../oidc/engine-context.ts';
import type { Services } from '../services.ts';
import { sourceOf } from '../web/request-state.ts';
import { changeClient } from './change-client.ts';
import { registerClient } from './register-client.ts';
import { budget, nameProblem } from './register-itself.ts';

type Context = LimitContext & Pick<Services, 'settings'>;

// The draft lets a server set bounds of its own beside what HTTP says; one for all keeps a change waiting for no longer.
const fresh = 15 * minutes;
const untilTriedAgain = 1 * minutes;
const mostKept = 5_000;

/** `problemOf`: why the document at this address was no app when it was last looked at, for the makers of the app. */
export type DocumentApps = {
  bring(clientId: string): Promise<boolean> | undefined;
  problemOf(clientId: string): string | undefined;
};
type Looked = { there: Promise<boolean>; until: number; problem?: string | undefined };

/**
 * Apps whose id is the address of a document that says what they are. Answers for an id whether there is an app: undefined
 * when it is no such address, so that the registry alone is asked. A document is fetched when it was not looked at for a
 * while, once at a time; while its host does not answer, what was known stays. Undefined when the settings want none.
 */
export function openDocumentApps(services: Context): DocumentApps | undefined {
  const { settings, clock } = services;
  if (!settings.CLIENT_ID_METADATA_DOCUMENTS) return undefined;
  const looked = new Map<string, Looked>();
  const problemOf = (clientId: string) => looked.get(clientId)?.problem;

  function bringOnce(clientId: string): Promise<boolean> | undefined {
    if (!isDocumentAddress(clientId, settings)) return undefined;
    const before = looked.get(clientId);
    if (before && before.until > clock.now()) return before.there;
    const brought = bring(services, clientId);
    const entry: Looked = {
      there: brought.then(({ found, problem }) => {
        entry.problem = problem;
        return found === 'there';
      }),
      until: clock.now() + fresh,
    };
    looked.delete(clientId);
    looked.set(clientId, entry);
    const [oldest] = looked.keys();
    if (looked.size > mostKept && oldest !== undefined) looked.delete(oldest);
    const soon = () => {
      entry.until = Math.min(entry.until, clock.now() + untilTriedAgain);
    };
    // What could not be looked at at all, or not for who asked, is tried again with the next request.
    const forget = () => looked.delete(clientId);
    brought.then(({ found }) => (found === 'limited' ? forget() : found === 'there' || soon()), forget);
    return entry.there;
  }
  return { bring: bringOnce, problemOf };
}

type Brought = { found: 'there' | 'not_there' | 'limited'; problem?: string };
const there: Brought = { found: 'there' };
const notTaken: Brought = { found: 'not_there', problem: 'is not taken here.' };

async function bring(services: Context, clientId: string): Promise<Brought> {
  const { settings } = services;
  if (isBlocked(clientId, settings)) return notTaken;
  const before = await findClient(services, clientId);
  if (before?.disabledAt !== undefined) return notTaken;
  if (!before && !(await mayCome(services, clientId))) return { found: 'limited' };
  const read = await fetchDocument(services, clientId);
  if (!read.ok && read.reason === 'unreachable' && before !== undefined) return there;
  if (!read.ok) return { found: 'not_there', problem: read.problem };
  const { metadata } = read;
  const named = nameProblem(settings, metadata);
  const kept = named ?? (await keep(services, { clientId, metadata, known: before !== undefined }));
  if (kept.ok || kept.reason === 'unknown_client' || kept.reason === 'client_id_taken') return there;
  if (kept.reason === 'disabled') return notTaken;
  const said = kept.problems.map(({ field, problem }) => `${field} ${problem}`);
  return { found: 'not_there', problem: `is not accepted: ${said.join(' ').slice(0, 500)}` };
}

/** As for apps that register themselves: nobody who makes up addresses uses up what everybody shares. */
async function mayCome(services: Context, clientId: string): Promise<boolean> {
  const asked = currentContext();
  // Where the engine is not asked by a request of its own kind all are counted as one.
  const ip = asked ? sourceOf(asked).ip : '0.0.0.0';
  const [address, network, everyone] = budget(services.settings, ip);
  const host = { limit: 'documents_by_host', key: new URL(clientId).host } as const;
  return (await takeFromLimits(services, [address, network, host, everyone])).ok;
}

function keep(
  services: Context,
  { clientId, metadata, known }: { clientId: string; metadata: Record<string, unknown>; known: boolean },
) {
  if (known) return changeClient(services, { clientId, changes: metadata, whole: true, actor: 'client' });
  return registerClient(services, { clientId, metadata, origin: 'document' });
}
