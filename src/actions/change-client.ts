import { changeClient as changeMetadata, findClient } from '../../clients/registry/registry.ts';
import { recordEvent } from '../audit/record.ts';
import { refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * Changes members of an app's metadata: `changes` holds the new values, null takes a member away (RFC 7396). With
 * `whole` it is all the app says of itself, and what it leaves out is gone. The names of changed members are recorded.
 */
export async function changeClient(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  {
    clientId,
    changes,
    whole = false,
  }: { clientId: string; changes: Record<string, unknown>; whole?: boolean },
  from?: RequestSource,
): ReturnType<typeof changeMetadata> {
  const before = await findClient(services, clientId);
  if (!before) return refused('unknown_client');
  const merged = Object.entries({ ...(whole ? {} : before.metadata), ...changes });
  const metadata = Object.fromEntries(merged.filter(([, value]) => value !== null));
  const changed = await changeMetadata(services, { clientId, metadata });
  if (!changed.ok || !changed.changed) return changed;
  const members = changedMembers(before.metadata, changed.client.metadata);
  await recordEvent(services, { type: 'client.updated', clientId, detail: { members } }, from);
  return changed;
}

function changedMembers(before: object, after: object): string[] {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const names = new Set([...old.keys(), ...now.keys()]);
  return [...names].filter((name) => JSON.stringify(old.get(name)) !== JSON.stringify(now.get(name)));
}
