import { fetchDocument, isBlocked, isDocumentAddress } from '../../clients/registry/fetch-document.ts';
import { type Client, findClient } from '../../clients/registry/registry.ts';
import { operatorsMembers } from '../../clients/registry/self-told.ts';
import { minutes } from '../kit/durations.ts';
import { type LimitContext, takeFromLimits } from '../limits/limits.ts';
import { currentContext } from '../oidc/engine-context.ts';
import type { Services } from '../services.ts';
import { sourceOf } from '../web/request-state.ts';
import { changeClient } from './change-client.ts';
import { endGrantsOfOtherSector } from './end-grants-of-other-sector.ts';
import { registerClient } from './register-client.ts';
import { budget, nameProblem } from './register-itself.ts';

type Context = LimitContext & Pick<Services, 'settings'>;

// The draft lets a server set bounds of its own beside what HTTP says; one for all keeps a change waiting for no longer.
const fresh = 15 * minutes;
const untilTriedAgain = 1 * minutes;
const mostKept = 5_000;

/**
 * Apps whose id is the address of a document that says what they are. Answers for an id whether there is an app: undefined
 * when it is no such address, so that the registry alone is asked. A document is fetched when it was not looked at for a
 * while, once at a time; while its host does not answer, what was known stays. Undefined when the settings want none.
 */
export function openDocumentApps(
  services: Context,
): ((clientId: string) => Promise<boolean> | undefined) | undefined {
  const { settings, clock } = services;
  if (!settings.CLIENT_ID_METADATA_DOCUMENTS) return undefined;
  const looked = new Map<string, { there: Promise<boolean>; until: number }>();

  return (clientId) => {
    if (!isDocumentAddress(clientId, settings)) return undefined;
    const before = looked.get(clientId);
    if (before && before.until > clock.now()) return before.there;
    const brought = bring(services, clientId);
    const entry = { there: brought.then((found) => found === 'there'), until: clock.now() + fresh };
    looked.delete(clientId);
    looked.set(clientId, entry);
    const [oldest] = looked.keys();
    if (looked.size > mostKept && oldest !== undefined) looked.delete(oldest);
    const soon = () => {
      entry.until = Math.min(entry.until, clock.now() + untilTriedAgain);
    };
    // What could not be looked at at all, or not for who asked, is tried again with the next request.
    const forget = () => looked.delete(clientId);
    brought.then((found) => (found === 'limited' ? forget() : found === 'there' || soon()), forget);
    return entry.there;
  };
}

type Brought = 'there' | 'not_there' | 'limited';

async function bring(services: Context, clientId: string): Promise<Brought> {
  const { settings } = services;
  if (isBlocked(clientId, settings)) return 'not_there';
  const before = await findClient(services, clientId);
  if (before?.disabledAt !== undefined) return 'not_there';
  if (!before && !(await mayCome(services, clientId))) return 'limited';
  const read = await fetchDocument(services, clientId);
  if (!read.ok) return read.reason === 'unreachable' && before !== undefined ? 'there' : 'not_there';
  if (nameProblem(settings, read.metadata)) return 'not_there';
  return (await keep(services, { clientId, metadata: read.metadata, before })) ? 'there' : 'not_there';
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

async function keep(
  services: Context,
  { clientId, metadata, before }: { clientId: string; metadata: object; before: Client | undefined },
): Promise<boolean> {
  if (before) {
    // What operators said of it is not the document's to take away.
    const changes = { ...metadata, ...operatorsMembers(before) };
    const ended = await endGrantsOfOtherSector(services, { client: before, metadata: changes });
    const changed = await changeClient(services, { clientId, changes, whole: true, actor: 'client' });
    if (ended) await endGrantsOfOtherSector(services, { client: before, metadata: changes });
    return changed.ok;
  }
  const added = await registerClient(services, { clientId, metadata, origin: 'document' });
  // Another process was faster.
  return added.ok || added.reason === 'client_id_taken';
}
