import path from 'node:path';
import Router from '@koa/router';
import { listOutbox, type OutboxMessage, outboxIsOpen } from '../src/mail/outbox.ts';
import type { App } from '../src/services.ts';
import { showPage } from '../src/web/page.ts';
import { notFound } from '../src/web/problem.ts';

const template = path.join(import.meta.dirname, 'outbox.ejs');
const shownAtOnce = 50;

/**
 * The development outbox: the messages that nobody sends, as a page and as JSON for tools. Messages carry codes, so these
 * addresses exist only where nothing can leave and nobody else can look: no transport is set and the issuer is loopback.
 */
export function outboxPages(app: App): Router {
  const router = new Router({ prefix: '/dev' });
  const open = outboxIsOpen(app.settings);

  router.use((_ctx, next) => {
    if (!open) throw notFound();
    return next();
  });
  router.get('/outbox.json', async (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = await listOutbox(app, { limit: 1000 });
  });
  router.get('/outbox', async (ctx) => {
    const messages = await listOutbox(app, { limit: shownAtOnce });
    await showPage(ctx, {
      template,
      title: ctx.state.words.t('outbox.title'),
      view: { messages: messages.map(withOwnLinks), reload: '/dev/outbox' },
      shell: 'account',
    });
  });
  return router;
}

/** Only web addresses become links, whatever else a text may look like. */
function withOwnLinks(message: OutboxMessage) {
  return {
    ...message,
    at: Date.parse(message.at),
    links: message.links.filter((link) => /^https?:\/\//.test(link)),
  };
}
