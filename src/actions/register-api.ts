import { type Api, addApi, changeApi, findApi, removeApi } from '../../clients/registry/apis/apis.ts';
import { recordEvent } from '../audit/record.ts';
import type { Services } from '../services.ts';

/** What operators do with APIs. What changes takes effect with the next token: those that are out keep what they say. */
type Context = Pick<Services, 'db' | 'clock' | 'seals' | 'log' | 'settings'>;

export async function registerApi(services: Context, given: unknown): ReturnType<typeof addApi> {
  const added = await addApi(services, given);
  if (added.ok) await recordEvent(services, { type: 'api.created', detail: { api: added.api.identifier } });
  return added;
}

/** Members that are null are taken away; with `whole` the rest as well. */
export async function reviseApi(
  services: Context,
  { identifier, changes, whole = false }: { identifier: string; changes: object; whole?: boolean },
): ReturnType<typeof changeApi> {
  const before = await findApi(services, identifier);
  const {
    identifier: _identifier,
    createdAt: _created,
    updatedAt: _updated,
    ...known
  } = before ?? ({} as Api);
  const merged = Object.entries({ ...(whole ? {} : known), ...changes });
  const members = Object.fromEntries(merged.filter(([, value]) => value !== null));
  const changed = await changeApi(services, { identifier, members });
  if (changed.ok && changed.changed)
    await recordEvent(services, {
      type: 'api.updated',
      detail: { api: identifier, members: Object.keys(changes) },
    });
  return changed;
}

/** Tokens that are out live until they end: for JWTs a few minutes. */
export async function unregisterApi(services: Context, identifier: string): ReturnType<typeof removeApi> {
  const removed = await removeApi(services, identifier);
  if (removed.ok) await recordEvent(services, { type: 'api.deleted', detail: { api: identifier } });
  return removed;
}

/** Brings an API to what a seed says. Safe to repeat. */
export async function seedApi(
  services: Context,
  { identifier, ...members }: { identifier: string } & Record<string, unknown>,
): Promise<'created' | 'changed' | 'unchanged'> {
  const added = await registerApi(services, { identifier, ...members });
  if (added.ok) return 'created';
  const changed = await reviseApi(services, { identifier, changes: members, whole: true });
  if (!changed.ok) throw new Error(`the API ${identifier} was not seeded: ${changed.reason}`);
  return changed.changed ? 'changed' : 'unchanged';
}
