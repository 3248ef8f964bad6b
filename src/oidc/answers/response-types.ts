import type { Context } from 'koa';
import type { ResponseType } from 'oidc-provider';
import { responseTypes } from '../../../clients/registry/members/flows.ts';
import type { Settings } from '../../settings.ts';

/**
 * The engine knows the implicit and hybrid flows; only an app that an operator allows them has them among its response
 * types (`allow_implicit`), and nobody is told that they exist: RFC 9700 section 2.1.2 wants them gone.
 */
export const knownResponseTypes = responseTypes.filter((type) => type !== 'token') as ResponseType[];

/** Of what an app registered. `token` alone is no OpenID Connect: the engine does not know it (compat/ does). */
export function flowsForEngine({ grant_types, response_types }: Flows): Flows {
  const known = response_types.filter((type) => knownResponseTypes.some((one) => one === type));
  const inFront = known.some((type) => type !== 'code');
  return {
    response_types: known,
    grant_types: inFront ? grant_types : grant_types.filter((grant) => grant !== 'implicit'),
  };
}

type Flows = { grant_types: string[]; response_types: string[] };

type Discovery = {
  response_types_supported?: string[];
  grant_types_supported?: string[];
  backchannel_user_code_parameter_supported?: boolean;
};

/**
 * Takes out of the discovery document what is there for single old apps only, and what the engine says of itself that is
 * not so here: user codes of CIBA are refused (ciba/ciba-flow.ts).
 */
export function correctDiscovery(ctx: Context, { conformance }: Pick<Settings, 'conformance'>): void {
  const { route } = (ctx as { oidc?: { route?: string } }).oidc ?? {};
  if (ctx.status !== 200 || !route?.includes('discovery')) return;
  const document = ctx.body as Discovery;
  document.backchannel_user_code_parameter_supported = false;
  if (conformance) return;
  document.response_types_supported = ['code'];
  document.grant_types_supported =
    document.grant_types_supported?.filter((grant) => grant !== 'implicit') ?? [];
}
