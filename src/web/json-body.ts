import type { Context } from 'koa';
import rawBody from 'raw-body';

export type JsonBody =
  | { ok: true; members: Record<string, unknown> }
  | { ok: false; status: number; problem: string };

/**
 * The one JSON object (RFC 8259) that a program sent, of 64 kB at most. For programs: what is wrong is answered, not shown
 * on a page.
 */
export async function readJsonObject({ req }: Pick<Context, 'req'>): Promise<JsonBody> {
  const no = (status: number, problem: string) => ({ ok: false as const, status, problem });
  const [type = ''] = (req.headers['content-type'] ?? '').toLowerCase().split(';');
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (type.trim() !== 'application/json' || encoding !== 'identity')
    return no(415, 'the body must be application/json');
  try {
    const length = req.headers['content-length'] ?? null;
    const body = await rawBody(req, { length, limit: 64 * 1024 });
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { ok: true, members: value as Record<string, unknown> };
    return no(400, 'the body must be a JSON object');
  } catch (error) {
    const tooLarge = (error as { type?: unknown }).type === 'entity.too.large';
    return tooLarge ? no(413, 'the body has more than 64 kB') : no(400, 'the body is not JSON');
  }
}
