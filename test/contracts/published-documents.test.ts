import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rotateKeys } from '../../src/oidc/keys/signing-keys.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** Discovery and the keys: the first answer is the engine's, those after it are the same bytes from memory. */
describe('what is published', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld({ BRAND_NAME: 'Zürich ☂' });
  });
  afterAll(() => world.close());

  const asks = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    send(new URL(path, world.issuer), { method, headers });
  const paths = ['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

  it.each(paths)('%s says the same from memory as the engine says', async (path) => {
    const engine = await asks(`${path}/`);
    await asks(path);
    const kept = await asks(path);
    expect(kept.status).toBe(200);
    expect(kept.headers.etag).toMatch(/^"[\w-]{22}"$/);
    expect(kept.json).toEqual(engine.json);
    for (const name of [
      'content-type',
      'cache-control',
      'x-content-type-options',
      'access-control-allow-origin',
    ])
      expect([name, kept.headers[name]]).toEqual([name, engine.headers[name]]);
    expect(kept.headers['content-length']).toBe(String(Buffer.byteLength(kept.text)));
  });

  it.each(paths)('%s is not sent again to who has it', async (path) => {
    await asks(path);
    const { headers } = await asks(path);
    const again = await asks(path, { 'if-none-match': String(headers.etag) });
    expect([again.status, again.text, again.headers.etag]).toEqual([304, '', headers.etag]);
    expect((await asks(path, { 'if-none-match': '"another"' })).status).toBe(200);
  });

  it('is for our host only, and other methods are told so', async () => {
    await asks('/jwks');
    expect((await asks('/jwks', { host: 'evil.test' })).status).toBe(421);
    expect((await asks('/jwks', {}, 'POST')).status).toBe(405);
    expect((await asks('/jwks', {}, 'HEAD')).status).toBe(200);
    expect((await asks('/jwks?x=1')).json).toEqual((await asks('/jwks')).json);
  });

  it('names a new key as soon as there is one', async () => {
    const before = (await asks('/jwks')).json['keys'] as unknown[];
    await rotateKeys(world.services);
    let keys = before;
    while (keys.length === before.length) keys = (await asks('/jwks')).json['keys'] as unknown[];
    expect(keys.length).toBeGreaterThan(before.length);
  });
});
