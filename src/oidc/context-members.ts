import type { Provider } from 'oidc-provider';

/**
 * Has the engine read a member of its contexts as `read` says; `own` is what it would have read. Throws where it has no
 * such member any more: a release of it that reads another one would let ours be without a word.
 */
export function readMember<Context, Value>(
  provider: Provider,
  member: string,
  read: (context: Context, own: () => Value) => Value,
): void {
  const { prototype } = provider.OIDCContext as unknown as { prototype: object };
  const own = Object.getOwnPropertyDescriptor(prototype, member)?.get;
  if (!own) throw new Error(`the engine reads its ${member} in another way than it did`);
  Object.defineProperty(prototype, member, {
    configurable: true,
    get(this: Context): Value {
      return read(this, () => own.call(this));
    },
  });
}
