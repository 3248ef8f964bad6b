import type { Middleware } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { listApis } from '../../clients/registry/apis/apis.ts';
import { seconds } from '../kit/durations.ts';
import { startRounds } from '../kit/rounds.ts';
import type { Services } from '../services.ts';
import { readVersions } from '../store/versions.ts';
import { whenStarted } from '../store/when-started.ts';
import { describeError } from '../web/log.ts';
import { handOverOnOurPage } from './answers/hand-over.ts';
import { keepQuery } from './answers/kept-query.ts';
import { correctDiscovery } from './answers/response-types.ts';
import { accountFinder } from './claims.ts';
import { shapeRedirect } from './compat/redirect.ts';
import { isCompatClient } from './compat/token-form.ts';
import type { CookieKeys } from './cookie-keys.ts';
import type { DirectParts } from './direct/direct.ts';
import { openPlainGrants } from './direct/plain-grants.ts';
import { type BringApp, withDocumentApps } from './document-apps.ts';
import { returnSpent } from './in-doubt.ts';
import { startKeySchedule } from './keys/key-schedule.ts';
import { ensureSigningKeys, readJwks } from './keys/signing-keys.ts';
import { openKnownRecords } from './known-records.ts';
import { openPairwiseSubjects } from './pairwise.ts';
import { openProvider } from './provider.ts';
import { openPublishedDocuments, type PublishedDocuments } from './published-documents.ts';
import { makeRefusalsCheap } from './quiet-errors.ts';
import { memoryOf, takeOver } from './request-memory.ts';
import { keepSessionCookie, withholdOldCookie } from './session-cookie-life.ts';
import { settle } from './settle.ts';
import { goOnSignedOut } from './sign-out/nobody-signed-in.ts';
import { forgetOutlivedHint } from './sign-out/outlived-hint.ts';
import { mayIntrospect } from './token-policies.ts';
import { retryAfterSeconds } from './unavailable.ts';
import type { EngineViews } from './views.ts';

/**
 * The engine in the life of a process. Its keys are read when it is made and never again, so a rotation makes a new one
 * and puts it in the place of the old: requests under way finish on the one they began with, all state is in the stores.
 */
export type Engine = {
  readonly provider: Provider;
  /** Answers what is the engine's; calls next for what is not. */
  middleware: Middleware;
  documents: PublishedDocuments;
  /** What direct/ answers with, and compat/. */
  direct(): DirectParts;
  stop(): Promise<void>;
};

const lookEvery = 1 * seconds;

export async function openEngine(
  services: Services,
  {
    cookieKeys,
    views,
    bringApp,
  }: { cookieKeys: CookieKeys; views: EngineViews; bringApp: BringApp | undefined },
): Promise<Engine> {
  const { db, changes, clock, log } = services;
  makeRefusalsCheap();
  const { subjects, ...begun } = await whenStarted(log, 'records', () => readKept(services));
  const documents = openPublishedDocuments(services);
  const known = withDocumentApps(openKnownRecords(services), bringApp);
  let { version, keys, until, apis } = begun;
  const parts = () => ({ jwks: keys, apis, cookieKeys, views, subjects, known });
  let provider = openProvider(services, parts());
  const findAccount = accountFinder(known);
  const introspection = mayIntrospect(known);
  const directParts = (): DirectParts => ({
    ...{ provider, findAccount, subjects, cookieKeys, mayIntrospect: introspection },
    plainGrants: openPlainGrants(services, { jwks: keys, subjects, findAccount }),
  });
  let direct = directParts();

  async function look(): Promise<void> {
    const now = await keysVersion(db);
    if (now === version && clock.now() < until) return;
    ({ keys, until } = await readJwks(services));
    apis = await listApis({ db });
    version = now;
    provider = openProvider(services, parts());
    direct = directParts();
    documents.forget();
    log.info({ version }, 'the signing keys or the APIs changed');
  }

  const rounds = startRounds({
    every: lookEvery,
    work: look,
    failed: (error) => log.warn({ error: describeError(error) }, 'the signing keys could not be read'),
  });
  // A change is told; that the time of a key came is not, nor what happened while nothing could be heard.
  changes.listen(({ table }) => (table === 'signing_keys' || table === 'apis') && rounds.look());

  const schedule = startKeySchedule(services);

  return {
    documents,
    direct: () => direct,
    get provider() {
      return provider;
    },
    middleware: async (ctx, next) => {
      const [answer] = provider.middleware;
      if (!answer) throw new Error('the engine has no middleware');
      takeOver(ctx);
      forgetOutlivedHint(ctx, { keys, issuer: services.settings.issuer.origin });
      try {
        await answer(ctx as never, next);
        if (ctx['oidc']) await settle(services, provider, ctx as unknown as KoaContextWithOIDC);
      } finally {
        returnSpent(services, memoryOf(ctx));
        if (ctx['oidc']) withholdOldCookie(ctx, services.settings.issuer);
      }
      if (ctx['oidc']) {
        const asked = ctx as unknown as KoaContextWithOIDC;
        keepSessionCookie(ctx, services.settings.issuer);
        if (isCompatClient(asked.oidc.client)) await shapeRedirect(services, asked);
      }
      // Nothing is of no type (RFC 7009 section 2.2): some libraries refuse one that is not JSON.
      if (ctx.body === '') ctx.remove('Content-Type');
      if (ctx.status === 503 && !ctx.response.get('Retry-After'))
        ctx.set('Retry-After', String(retryAfterSeconds));
      goOnSignedOut(ctx);
      if (ctx['oidc']) keepQuery(ctx as unknown as KoaContextWithOIDC);
      await handOverOnOurPage(views, ctx);
      correctDiscovery(ctx, services.settings);
      documents.keep(ctx);
    },
    async stop() {
      await Promise.all([rounds.stop(), schedule.stop()]);
    },
  };
}

/** Of what the engine is told when it is made: the keys, and the kinds of details that APIs have. */
async function keysVersion(db: Services['db']): Promise<string> {
  const { keys = 0, apis = 0 } = await readVersions(db);
  return `${keys} ${apis}`;
}

/** All that a new process needs of the records; keys and the secret of the subjects are made if there are none yet. */
async function readKept(services: Services) {
  await ensureSigningKeys(services);
  const subjects = await openPairwiseSubjects(services);
  const version = await keysVersion(services.db);
  return { subjects, version, ...(await readJwks(services)), apis: await listApis(services) };
}
