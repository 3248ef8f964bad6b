import path from 'node:path';
import type { Context } from 'koa';
import type { EngineViews } from '../src/oidc/views.ts';
import { showPage } from '../src/web/page.ts';
import { requestState } from '../src/web/request-state.ts';

const template = path.join(import.meta.dirname, 'hand-over.ejs');

/**
 * The person is done here, and the answer for the app travels in a form. Where scripts run nobody sees the page for
 * longer than a moment; where they do not, its button is the way on.
 */
export async function showHandOver(
  ctx: Context,
  { action, fields, app, status }: Parameters<EngineViews['showHandOver']>[1],
): Promise<void> {
  const { words } = requestState(ctx);
  const title = app ? words.t('hand-over.title', { app }) : words.t('hand-over.title_here');
  await showPage(ctx, { template, title, view: { action, fields }, status, scripts: ['hand-over.js'] });
}
