import { createHash } from 'node:crypto';
import type { Provider } from 'oidc-provider';
import type { Services } from '../../services.ts';

/**
 * What tokens of apps of this kind look like: `Atza|<token><filler>`, as long as their libraries and databases know them.
 * Within is a token like any other, and only that is stored and looked for. The filler follows from it and from what stands
 * before it, so that a dressed token has one spelling, also when the operator chose another beginning since.
 */
const bodyLength = 365;

function dress(token: string, prefix: string): string {
  return `${prefix}${token}${fillerOf(prefix + token, bodyLength - token.length)}`;
}

/** The token within; what is not dressed is answered as it is. */
function undress(value: string, innerLength: number): string {
  // An ordinary token is much shorter, and this is all it costs it.
  if (value.length <= bodyLength || value.length > bodyLength + 32) return value;
  const prefix = value.slice(0, -bodyLength);
  const inner = value.slice(prefix.length, prefix.length + innerLength);
  return value === dress(inner, prefix) ? inner : value;
}

/** Not a secret and no proof of anything: whoever has the token can make it. */
function fillerOf(token: string, length: number): string {
  return createHash('shake256', { outputLength: Math.ceil((length * 3) / 4) })
    .update(token)
    .digest('base64url')
    .slice(0, length);
}

type Model = {
  find(value: unknown, options?: object): Promise<unknown>;
  prototype: { save(this: Saved, ttl?: number): Promise<string> };
};
type Saved = { client?: object; format?: string };

/** How long the tokens of each kind are within (live-layout.ts). */
const innerLengths = { AccessToken: 65, RefreshToken: 66, ClientCredentials: 43 } as const;

/** Every endpoint knows these tokens, the standard ones as well: the engine looks for a token in one place. */
export function dressTokens(provider: Provider, { settings }: Pick<Services, 'settings'>): void {
  for (const kind of Object.keys(innerLengths) as (keyof typeof innerLengths)[]) {
    const model = provider[kind] as unknown as Model;
    const find = model.find;
    const length = innerLengths[kind];
    model.find = function (value, options) {
      return find.call(this, typeof value === 'string' ? undress(value, length) : value, options);
    };
    const prefix =
      kind === 'RefreshToken' ? settings.COMPAT_REFRESH_TOKEN_PREFIX : settings.COMPAT_ACCESS_TOKEN_PREFIX;
    const { save } = model.prototype;
    model.prototype.save = async function (ttl) {
      const value = await save.call(this, ttl);
      return isCompatClient(this.client) && value.length === length ? dress(value, prefix) : value;
    };
  }
}

/** Some write the bar of a token as a query does, wherever it stands. */
export function plainBar(token: string): string {
  return token.replace(/%7c/i, '|');
}

/** Whether an app, as the engine knows it, is marked `login_with_amazon`. */
export function isCompatClient(client: object | undefined): boolean {
  return (client as { login_with_amazon?: unknown } | undefined)?.login_with_amazon === true;
}
