import type { Adapter } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Services } from '../services.ts';
import type { AdapterContext } from './adapter-context.ts';
import { findClientMetadata } from './client-adapter.ts';
import { AskedRecords } from './cross-device/asked-records.ts';
import { GrantRecords } from './grant-records.ts';
import { InteractionRecords } from './interaction-records.ts';
import type { KnownRecords } from './known-records.ts';
import { LoneTokenRecords } from './lone-token-records.ts';
import { RefreshTokenRecords } from './refresh-token-records.ts';
import { SessionRecords } from './session-records.ts';
import { TokenRecords } from './token-records.ts';
import { asEngineError } from './unavailable.ts';

/**
 * The engine's store: one object a model. The engine checks and then acts, and leaves the atomic step to us; how each
 * kind of record does that stands in its own file, and where everything lies is drawn in live-layout.ts.
 */
type Context = AdapterContext & Pick<Services, 'settings' | 'seals'> & { known: KnownRecords };
type MakeAdapter = (context: Context) => Partial<Adapter>;

const models: Record<string, MakeAdapter> = {
  Client: ({ known }) => ({ find: (clientId) => findClientMetadata(known, clientId) }),
  Session: (context) => new SessionRecords(context),
  Interaction: (context) => new InteractionRecords(context),
  Grant: (context) => new GrantRecords(context),
  AuthorizationCode: (context) => new TokenRecords(context, { letter: 'c' }),
  AccessToken: (context) => new TokenRecords(context, { letter: 'a' }),
  RefreshToken: (context) => new RefreshTokenRecords(context),
  DeviceCode: (context) => new AskedRecords(context, 'DeviceCode'),
  BackchannelAuthenticationRequest: (context) =>
    new AskedRecords(context, 'BackchannelAuthenticationRequest'),
  ClientCredentials: (context) => new LoneTokenRecords(context, { letter: 'k' }),
  PushedAuthorizationRequest: (context) =>
    new LoneTokenRecords(context, {
      letter: 'p',
      refuseSpent: () => new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used'),
    }),
};

export function openAdapter(context: Context): (model: string) => Adapter {
  return (model) => {
    const make = models[model];
    if (!make) throw new Error(`the engine asked for ${model}, which no switched-on feature stores`);
    return complete(model, make(context));
  };
}

/** What a model never does is an error that names itself, not a silent nothing; a store that is down is a 503. */
function complete(model: string, made: Partial<Adapter>): Adapter {
  function verb<Name extends keyof Adapter>(name: Name): NonNullable<Adapter[Name]> {
    const method = made[name] as ((...args: unknown[]) => Promise<unknown>) | undefined;
    const guarded = async (...args: unknown[]) => {
      if (!method) throw new Error(`${model} has no ${name}`);
      return asEngineError(() => method.apply(made, args));
    };
    return guarded as NonNullable<Adapter[Name]>;
  }
  return {
    upsert: verb('upsert'),
    find: verb('find'),
    findByUid: verb('findByUid'),
    findByUserCode: verb('findByUserCode'),
    consume: verb('consume'),
    destroy: verb('destroy'),
    // Every use of a token reads its grant, and the grant is what revoking deletes: there is nothing left to wipe.
    revokeByGrantId: async () => undefined,
  };
}
