/** What a function returns when both answers are part of a normal day. Broken invariants are thrown. */
export type Outcome<Value extends object, Reason extends string> =
  | ({ ok: true } & Value)
  | { ok: false; reason: Reason };

/** The yes of an Outcome that carries nothing. */
export const done = { ok: true } as const;

export function refused<Reason extends string>(reason: Reason): { ok: false; reason: Reason } {
  return { ok: false, reason };
}
