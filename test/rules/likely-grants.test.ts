import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { openLikelyGrants } from '../../src/oidc/direct/likely-grants.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import { memoryOf } from '../../src/oidc/request-memory.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';

let services: TestServices;
beforeAll(async () => {
  services = await openTestServices();
});
afterAll(() => services.close());

it('leaves what cannot be read to who needs it, since nobody may be waiting', async () => {
  const likely = openLikelyGrants(services);
  const [place, grantId] = [{ uid: 'a', clientId: 'b' }, 'g'.repeat(22)];
  const ctx = {} as KoaContextWithOIDC;
  await services.live.commit([
    { do: 'put', key: layout.grant(grantId), value: 'of a later server', ttlMs: 1000 },
  ]);
  likely.remember(place, grantId);
  await likely.readAhead(ctx, place);
  expect(memoryOf(ctx).grants.size).toBe(0);
});
