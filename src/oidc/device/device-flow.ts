import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { notFound, Problem } from '../../web/problem.ts';
import { sourceOf } from '../../web/request-state.ts';
import { userCodeMask } from './user-code.ts';

/** Rich authorization requests (RFC 9396) are decided on the consent page of a redirect, for this once; not here. */
export function refuseDetails({ oidc }: KoaContextWithOIDC): void {
  if (oidc.params?.['authorization_details'] !== undefined)
    throw new errors.InvalidRequest('authorization_details is not supported at this endpoint');
}

/**
 * The device authorization endpoint (RFC 8628 section 3.1) is the engine's. Its pages are not: the person answers on ours
 * (interactions/device.ts), where they are signed in, are shown who asks and from where, and where guesses are counted.
 */
export function deviceFlow(): NonNullable<NonNullable<Configuration['features']>['deviceFlow']> {
  const noPage = async (ctx: KoaContextWithOIDC) => {
    const { oidc } = ctx;
    // The engine has made a form's secret for the page that is not shown; nothing of it is to be kept.
    Object.assign(oidc.session ?? {}, { state: undefined, touched: false });
    // The engine takes the last part of this address for the name of an interaction, for every method but POST.
    if (!/\/authorize\/?$/i.test(ctx.path)) throw notFound();
    ctx.set('Allow', 'POST, OPTIONS');
    throw new Problem({ status: 405, code: 'method_not_allowed' });
  };
  return {
    enabled: true,
    charset: 'base-20',
    mask: userCodeMask,
    deviceInfo: (ctx: KoaContextWithOIDC) => {
      refuseDetails(ctx);
      const { ip, userAgent } = sourceOf(ctx);
      return { ip, userAgent };
    },
    userCodeInputSource: noPage,
    userCodeConfirmSource: noPage,
    successSource: noPage,
  };
}
