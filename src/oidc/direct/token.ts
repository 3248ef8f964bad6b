import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { withContext } from '../engine-context.ts';
import { grantHandler } from '../grant-handlers.ts';
import { settle } from '../settle.ts';
import { retryAfterSeconds } from '../unavailable.ts';
import type { Answer } from './answer.ts';
import { authenticatedClient } from './client-auth.ts';
import type { DirectContext } from './direct.ts';
import { openLightContext } from './light-context.ts';

/** What each grant type takes besides the app's own parameters; anything else is the engine's to judge. */
const parameters: Record<string, string[]> = {
  authorization_code: ['code', 'redirect_uri', 'code_verifier'],
  refresh_token: ['refresh_token', 'scope'],
  client_credentials: ['scope'],
};
const always = ['grant_type', 'client_id', 'client_secret'];

/** RFC 6749 section 3.2: the engine's handler of the grant type, once the app has proved itself. */
export async function issueTokens(context: DirectContext): Promise<Answer | undefined> {
  const { provider, req, form } = context;
  const grantType = form['grant_type'] ?? '';
  const taken = parameters[grantType];
  const handle = grantHandler(provider, grantType);
  if (!taken || !handle || !Object.keys(form).every((name) => always.includes(name) || taken.includes(name)))
    return undefined;
  if (form['scope'] !== undefined && !/^[a-z_:]+( [a-z_:]+)*$/.test(form['scope'])) return undefined;
  const client = await authenticatedClient(context);
  if (!client || !mayCome(client, grantType)) return undefined;
  const ctx = openLightContext(provider, { req, route: 'token', client, params: { ...form } });
  const plainly = context.plainGrants[grantType];
  const handleAll = async () => {
    if (!(await plainly?.(ctx))) await handle(ctx);
  };
  return withContext(ctx, () => handled(context, ctx, handleAll));
}

function mayCome(client: Client, grantType: string): boolean {
  return client.grantTypeAllowed(grantType) && !client.tlsClientCertificateBoundAccessTokens;
}

/** The engine's handler of a grant type, run to its end: what it wrote is kept, or its answer is a refusal. */
export async function handled(
  { services, provider }: Pick<DirectContext, 'services' | 'provider'>,
  ctx: KoaContextWithOIDC,
  handle: (ctx: KoaContextWithOIDC) => Promise<void>,
): Promise<Answer> {
  try {
    await handle(ctx);
    provider.emit('grant.success', ctx);
  } catch (error) {
    refuse(provider, ctx, error);
  }
  // What was written is kept together, and whoever lost a race learns it here.
  await settle(services, provider, ctx).catch((error: unknown) => refuse(provider, ctx, error));
  const later = ctx.status === 503 ? { headers: { 'Retry-After': String(retryAfterSeconds) } } : {};
  return { status: ctx.status, body: ctx.body as object, refused: ctx.status === 400, ...later };
}

/** As the engine's own error handler does it (RFC 6749 section 5.2). */
function refuse(provider: DirectContext['provider'], ctx: KoaContextWithOIDC, error: unknown): void {
  if (!(error instanceof errors.OIDCProviderError) || !error.expose) {
    ctx.status = 500;
    ctx.body = { error: 'server_error', error_description: 'oops! something went wrong' };
    provider.emit('server_error', ctx, error as Error);
    return;
  }
  const { statusCode, message, error_description, scope } = error as typeof error & { scope?: string };
  ctx.status = statusCode;
  ctx.body = { error: message, error_description, scope };
  provider.emit('grant.error', ctx, error);
}
