import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { EngineViews } from '../views.ts';

/**
 * Where an answer travels in a form that the browser sends (OAuth 2.0 Form Post Response Mode), the engine writes a page
 * of its own, in English, without a look, around the form. Ours takes its place: the form's address and fields are
 * read out of it again.
 */
const title = '<title>Submitting Callback</title>';

export async function handOverOnOurPage(views: EngineViews, ctx: Context): Promise<void> {
  const { body } = ctx;
  if (typeof body !== 'string' || !body.includes(title)) return;
  const { client, issuer } = (ctx as unknown as KoaContextWithOIDC).oidc;
  const action = unescaped(/<form method="post" action="([^"]*)">/.exec(body)?.[1]);
  const ours = action.startsWith(`${issuer}/`);
  const app = ours ? undefined : (client?.clientName ?? client?.clientId);
  await views.showHandOver(ctx, { action, fields: fieldsIn(body), app, status: ctx.status });
}

function fieldsIn(page: string): { name: string; value: string }[] {
  const inputs = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"\/>/g);
  return [...inputs].map(([, name = '', value]) => ({ name, value: unescaped(value) }));
}

const characters: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function unescaped(text = ''): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_whole, name: string) => characters[name] ?? '');
}
