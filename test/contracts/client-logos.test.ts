import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkLogo, type Logo } from '../../clients/registry/logo.ts';
import { findLogo, findLogos, removeLogo, storeLogo } from '../../clients/registry/logos.ts';
import { addClient, removeClient } from '../../clients/registry/registry.ts';
import type { Database } from '../../src/store/tables.ts';
import { dataUri, picture, pngOfBytes } from '../support/pictures.ts';
import { databaseKinds, openTestDatabase, testClock } from '../support/stores.ts';

describe.each(databaseKinds)('the logos of apps on %s', (kind) => {
  const clock = testClock(1_700_000_000_000);
  let store: { db: Database; close(): Promise<void> };
  beforeAll(async () => {
    store = await openTestDatabase(kind);
  });
  afterAll(() => store.close());
  const context = () => ({ db: store.db, clock });

  async function newApp(): Promise<string> {
    const added = await addClient(context(), { metadata: { redirect_uris: ['https://a.example/'] } });
    if (!added.ok) throw new Error(JSON.stringify(added));
    return added.client.clientId;
  }
  function logoOf(bytes: Buffer): Logo {
    const checked = checkLogo(bytes);
    if (!checked.ok) throw new Error(checked.problem);
    return checked.logo;
  }
  const [png, gif] = [logoOf(picture('still.png')), logoOf(picture('still.gif'))];

  it('are found as they were kept, the largest too', async () => {
    const clientId = await newApp();
    expect(await findLogo(context(), clientId)).toBeUndefined();
    const logo = logoOf(pngOfBytes(24_000));
    expect(await storeLogo(context(), { clientId, logo, source: 'file' })).toBe(true);
    expect(await findLogo(context(), clientId)).toEqual({
      dataUri: dataUri(logo.bytes),
      mediaType: 'image/png',
      size: 24_000,
      source: 'file',
      storedAt: clock.now(),
    });
  });

  it('are one for an app: another takes its place, and the same again changes nothing', async () => {
    const clientId = await newApp();
    const store1 = { clientId, logo: png, source: 'https://a.example/logo' };
    expect(await storeLogo(context(), store1)).toBe(true);
    const before = await findLogo(context(), clientId);
    clock.advance(1000);
    expect(await storeLogo(context(), store1)).toBe(false);
    expect(await findLogo(context(), clientId)).toEqual(before);
    expect(await storeLogo(context(), { ...store1, logo: gif })).toBe(true);
    expect(await findLogo(context(), clientId)).toMatchObject({
      dataUri: dataUri(gif.bytes, 'image/gif'),
      storedAt: clock.now(),
    });
    expect(await storeLogo(context(), { ...store1, logo: gif, source: 'file' })).toBe(true);
    expect(await findLogo(context(), clientId)).toMatchObject({ source: 'file' });
  });

  it('are kept once by many who keep one at the same time', async () => {
    const clientId = await newApp();
    const kept = await Promise.all(
      Array.from({ length: 5 }, () => storeLogo(context(), { clientId, logo: png, source: 'file' })),
    );
    expect(kept.filter(Boolean)).toHaveLength(1);
  });

  it('are found for many apps at once, those without one left out', async () => {
    const [one, two, three] = [await newApp(), await newApp(), await newApp()];
    await storeLogo(context(), { clientId: one, logo: png, source: 'file' });
    await storeLogo(context(), { clientId: two, logo: gif, source: 'file' });
    const found = await findLogos(context(), [one, three, two, 'nobody']);
    expect([...found.keys()].sort()).toEqual([one, two].sort());
    expect(found.get(two)?.mediaType).toBe('image/gif');
    expect(await findLogos(context(), [])).toEqual(new Map());
  });

  it('go when they are removed, and with their app', async () => {
    const clientId = await newApp();
    await storeLogo(context(), { clientId, logo: png, source: 'file' });
    expect(await removeLogo(context(), clientId)).toBe(true);
    expect(await removeLogo(context(), clientId)).toBe(false);
    await storeLogo(context(), { clientId, logo: png, source: 'file' });
    await removeClient(context(), clientId);
    expect(await findLogo(context(), clientId)).toBeUndefined();
    await expect(storeLogo(context(), { clientId, logo: png, source: 'file' })).rejects.toThrow();
  });
});
