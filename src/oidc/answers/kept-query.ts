import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * The query of a registered address goes back as it was registered (RFC 6749 section 3.1.2: it "MUST be retained"). The
 * engine reads it apart to add its own, which writes `a%20b` as `a+b` and `flag` as `flag=`: who decodes addresses without
 * the rules of forms reads another text there, and who compares with what was registered finds another address.
 */
export function keepQuery(ctx: KoaContextWithOIDC): void {
  const location = ctx.response.get('Location') as string | undefined;
  if (!location?.includes('?')) return;
  for (const registered of addressesOf(ctx.oidc)) {
    const { href } = new URL(registered);
    const rewritten = rewrittenOf(href);
    if (rewritten === href) continue;
    const added = location.startsWith(rewritten) ? location.slice(rewritten.length) : undefined;
    if (added === '' || added?.startsWith('&')) ctx.set('Location', `${href}${added}`);
  }
}

/** Where this answer may go: the session has it while somebody is asked whether to sign out. */
function addressesOf({ params, session }: KoaContextWithOIDC['oidc']): string[] {
  const asked = (session as { state?: { postLogoutRedirectUri?: unknown } } | undefined)?.state;
  return [
    params?.['redirect_uri'],
    params?.['post_logout_redirect_uri'],
    asked?.postLogoutRedirectUri,
  ].filter((one) => typeof one === 'string' && one.includes('?') && URL.canParse(one)) as string[];
}

/** As the engine writes it (its helpers/redirect_uri.js). */
function rewrittenOf(href: string): string {
  const url = new URL(href);
  url.searchParams.set('of-ours', '');
  return url.href.replace(/[?&]of-ours=$/, '');
}
