import Router from '@koa/router';
import { relyingParty } from '../src/credentials/webauthn-party.ts';
import type { App } from '../src/services.ts';
import { places } from './account/places.ts';

/**
 * What password managers and browsers ask about our passkeys, without anybody being signed in. Nothing there where browsers have
 * no passkeys of us.
 *
 *   /.well-known/passkey-endpoints   where one adds and manages them (W3C, "A Well-Known URL for Relying Party Passkey Endpoints")
 *   /.well-known/webauthn            which origins may use them (WebAuthn Level 3 section 5.11, related origins)
 */
export function passkeyWellKnown({ settings }: Pick<App, 'settings'>): Router {
  const router = new Router();
  const party = relyingParty(settings);
  if (!party) return router;
  const manage = `${party.origin}${places.passkeys}`;
  const documents = {
    'passkey-endpoints': { enroll: `${party.origin}${places['passkeys-new']}`, manage },
    webauthn: { origins: party.relatedOrigins },
  };
  for (const [name, document] of Object.entries(documents))
    router.get(`/.well-known/${name}`, (ctx) => {
      ctx.set('Cache-Control', 'public, max-age=3600');
      // Browsers that look at a related origin do it from that other site.
      ctx.set('Cross-Origin-Resource-Policy', 'cross-origin');
      ctx.body = document;
    });
  return router;
}
