import type { Client } from 'oidc-provider';
import { compatMarker, fromWire, onlyListed } from '../../consents/compat-scopes.ts';
import { type Refusal, refusals } from './answer.ts';

/** What an app of this kind asks for, by a page or by a device, from its words into ours. */
export type Read<Value extends object> = ({ ok: true } & Value) | { ok: false; refusal: Refusal };
type Members = Readonly<Record<string, string>>;

const mostScopes = 30;

export function scopesOf({ scope }: Members, client: Client): Read<{ names: string[] }> {
  if (scope === undefined) return { ok: false, refusal: refusals.missing('scope') };
  const names = [...new Set(scope.split(/[ ,]+/).filter(Boolean))];
  const known = names.slice(0, mostScopes).flatMap((name) => fromWire(name) ?? []);
  const house = onlyListed(known, client.scope);
  if (names.length === 0 || house.length !== names.length) return { ok: false, refusal: refusals.scope };
  return { ok: true, names: [compatMarker, ...house] };
}

/** Which scopes the person may leave out, by our names. What else a product keeps in it is not ours to read. */
export function essentialOf({ scope_data: text }: Members): Read<{ query: Record<string, string> }> {
  if (text === undefined) return { ok: true, query: {} };
  const refusal = refusals.invalid('scope_data');
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return { ok: false, refusal };
  }
  if (text.length > 4096 || typeof given !== 'object' || given === null || Array.isArray(given))
    return { ok: false, refusal };
  const said = Object.entries(given).flatMap(([wire, data]) => {
    const name = fromWire(wire);
    const essential = (data as { essential?: unknown } | null)?.essential;
    return name !== undefined && typeof essential === 'boolean' ? [[name, essential] as const] : [];
  });
  return { ok: true, query: said.length > 0 ? { scope_data: JSON.stringify(Object.fromEntries(said)) } : {} };
}
