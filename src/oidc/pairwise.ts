import { createHmac, createSecretKey } from 'node:crypto';
import type { Client } from 'oidc-provider';
import { newSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';

/**
 * Pairwise subjects (OpenID Connect Core section 8.1): each company sees a person under a name of its own.
 * Which apps are one company's is said by clients/registry/sector.ts. The key of
 * the HMAC is made once and kept for good, apart from SECRETS_KEY, which is rotated: were it to change, every app would
 * take every person for a new one.
 */
export type PairwiseSubjects = (client: Client, accountId: string) => string;

export async function openPairwiseSubjects({
  db,
  seals,
}: Pick<Services, 'db' | 'seals'>): Promise<PairwiseSubjects> {
  await db
    .insertInto('server_secrets')
    .values({ name: 'pairwise', secret: seals.seal('server-secret', newSecret()) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await db
    .selectFrom('server_secrets')
    .select('secret')
    .where('name', '=', 'pairwise')
    .executeTakeFirstOrThrow();
  // A key object: from a text Node makes one for each HMAC, which costs seven times the HMAC.
  const key = createSecretKey(seals.open('server-secret', row.secret), 'utf8');
  return (client, accountId) => {
    const { sector } = client;
    if (typeof sector !== 'string') throw new Error('an app has a sector: client-adapter.ts');
    return createHmac('sha256', key)
      .update(JSON.stringify([sector, accountId]))
      .digest('base64url');
  };
}
