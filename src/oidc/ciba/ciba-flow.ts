import { type Configuration, errors, type FindAccount, type KoaContextWithOIDC } from 'oidc-provider';
import { isUnverified } from '../../../clients/registry/registration.ts';
import { findAccountByIdentifier } from '../../accounts/account.ts';
import { parseIdentifier } from '../../accounts/identifier.ts';
import { takeFromLimits } from '../../limits/limits.ts';
import type { Services } from '../../services.ts';
import { isHighAssurance } from '../assurance/high-assurance.ts';
import { refuseDetails } from '../device/device-flow.ts';
import { openKnownRecords } from '../known-records.ts';
import { asEngineError, TooManyRequests } from '../unavailable.ts';
import type { EngineViews } from '../views.ts';
import { bringToPerson } from './bring-to-person.ts';

/**
 * OpenID Connect Client-Initiated Backchannel Authentication Core 1.0: an app names somebody, and they answer in their account
 * (interactions/account/requests.ts). Poll and ping; push is not offered, as it hands tokens to an address without the app
 * asking (FAPI-CIBA section 5.2.2 forbids it).
 *
 * An app must not find out who has an account here by naming people. So whoever is unknown, suspended or
 * has not proved the address is asked like anybody else and never answers: the request is kept, and expires.
 */
type Ciba = NonNullable<NonNullable<Configuration['features']>['ciba']>;
type Context = Services & { views: EngineViews };

const nobody = 'nobody ';

export function ciba(services: Context): Ciba {
  return {
    enabled: true,
    deliveryModes: ['poll', 'ping'],
    processLoginHint: (_ctx: KoaContextWithOIDC, hint: string) => asEngineError(() => whoIs(services, hint)),
    processLoginHintToken: () => {
      throw new errors.InvalidRequest('login_hint_token is not supported, use login_hint or id_token_hint');
    },
    verifyUserCode: async (ctx: KoaContextWithOIDC, account: { accountId: string }, userCode?: string) => {
      refuseDetails(ctx);
      await refuseStrangers(services, ctx);
      if (userCode !== undefined) throw new errors.InvalidRequest('user_code is not supported');
      const key = `${ctx.oidc.client?.clientId} ${namedBy(services, ctx, account)}`;
      const { conformance } = services.settings;
      const taken = await asEngineError(() =>
        takeFromLimits(services, [
          { limit: 'ciba_by_app_and_account', key, ...(conformance && { max: 1000 }) },
        ]),
      );
      if (!taken.ok) throw new TooManyRequests('this person was asked too often, try again later');
    },
    validateBindingMessage: (ctx: KoaContextWithOIDC, message?: string) => {
      if (message === undefined && isHighAssurance(ctx.oidc.client))
        throw new errors.InvalidRequest('binding_message is required (FAPI-CIBA section 5.2.2)');
      if (message !== undefined && !bindingMessage.test(message))
        throw new errors.InvalidBindingMessage(
          'the binding_message must have 1 to 60 letters, digits, blanks and -._+/!?#:,',
        );
    },
    validateRequestContext: () => undefined,
    triggerAuthenticationDevice: async (ctx: KoaContextWithOIDC, request, account, client) => {
      const { accountId } = account as { accountId: string };
      // What is done for a person takes longer than what is done for nobody, so no answer waits for it.
      if (!accountId.startsWith(nobody))
        void bringToPerson(services, ctx, { request, accountId, clientId: client.clientId });
    },
  } as Ciba;
}

// What two screens can be compared by, and what cannot pretend to be a sentence of ours (CIBA Core section 7.1).
const bindingMessage = /^(?=.*[\p{L}\p{N}])[\p{L}\p{N} \-._+/!?#:,]{1,60}$/u;

/** Whoever is asked gets a message in our name with the app's in it: where everybody may register, that is anybody's text. */
async function refuseStrangers(services: Services, { oidc }: KoaContextWithOIDC): Promise<void> {
  if (services.settings.conformance) return;
  const app = await asEngineError(() => openKnownRecords(services).client(String(oidc.client?.clientId)));
  if (app && isUnverified(app))
    throw new errors.UnauthorizedClient(
      'an operator has to vouch for the app before it may ask people by name',
    );
}

/**
 * What the app typed, and not whom it leads to: an answer that is counted by the account would tell which two addresses are of
 * one person, and so that both have an account. What one person is asked by all their names is bounded where it is not told
 * (bring-to-person.ts).
 */
function namedBy(
  services: Services,
  { oidc }: KoaContextWithOIDC,
  { accountId }: { accountId: string },
): string {
  const hint = oidc.params?.['login_hint'];
  if (typeof hint !== 'string') return accountId;
  const read = parseIdentifier(hint, { region: services.settings.DEFAULT_PHONE_REGION });
  return services.seals.mac('ciba hint', read.ok ? read.address : hint);
}

async function whoIs(services: Services, hint: string): Promise<string> {
  const read = parseIdentifier(hint, { region: services.settings.DEFAULT_PHONE_REGION });
  // Keyed, as it says whom an app asked for.
  const unknown = `${nobody}${services.seals.mac('ciba hint', read.ok ? read.address : hint)}`;
  if (!read.ok) return unknown;
  const account = await findAccountByIdentifier(services, read);
  const { channel, address } = read;
  const proved = account?.contacts.some(
    (one) => one.channel === channel && one.address === address && one.verifiedAt !== null,
  );
  const mayCome = account && account.suspendedAt == null && account.lockedAt == null;
  return account && proved && mayCome ? account.id : unknown;
}

/** For the engine's `findAccount`: it wants somebody for every request. */
export function withNobody(findAccount: FindAccount): FindAccount {
  return async (ctx, accountId, token) => {
    if (ctx.oidc?.route !== 'backchannel_authentication' || !accountId.startsWith(nobody))
      return findAccount(ctx, accountId, token);
    return { accountId, claims: async () => ({ sub: accountId }) };
  };
}
