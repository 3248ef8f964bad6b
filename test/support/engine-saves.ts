import { Provider } from 'oidc-provider';

/** How many access tokens the engine's own models have saved: what was granted without them is not among these. */
export function watchEngineSaves(): { count(): number; stop(): void } {
  const prototype = Provider.prototype as unknown as { emit(name: string, ...rest: unknown[]): boolean };
  const emit = prototype.emit;
  let saved = 0;
  prototype.emit = function (this: unknown, name, ...rest) {
    if (name === 'access_token.saved' || name === 'access_token.issued') saved += 1;
    return emit.call(this, name, ...rest);
  };
  return {
    count: () => saved,
    stop() {
      prototype.emit = emit;
    },
  };
}
