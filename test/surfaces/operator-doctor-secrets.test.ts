import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { newSecret } from '../../src/kit/secrets.ts';
import { examine } from '../../src/operator/doctor.ts';
import { dataDir, folder, json } from '../support/operator.ts';

jest.setTimeout(300_000);

const file = join(dataDir, 'secrets.json');
let kept: string;
beforeAll(async () => {
  await json(['keys', 'rotate']);
  kept = readFileSync(file, 'utf8');
});
afterEach(() => writeFileSync(file, kept));
afterAll(() => folder.remove());

async function foundOfSecrets(environment: Record<string, string> = {}) {
  const found = await examine({ DATA_DIR: dataDir, ...environment });
  return found.filter(({ about }) => about === 'secrets');
}

describe('the doctor on the secrets', () => {
  it('is content with those that sealed the records', async () => {
    expect(await foundOfSecrets()).toEqual([
      { verdict: 'OK', about: 'secrets', finding: 'open what the records keep sealed' },
    ]);
  });

  it('tells a damaged file', async () => {
    writeFileSync(file, '{');
    const [found] = await foundOfSecrets();
    expect(found).toMatchObject({ verdict: 'FAIL', finding: expect.stringContaining('is damaged') });
  });

  it('tells secrets of other records', async () => {
    writeFileSync(file, JSON.stringify({ SECRETS_KEY: [newSecret()], COOKIE_KEYS: [newSecret()] }));
    const [found] = await foundOfSecrets();
    expect(found).toMatchObject({
      verdict: 'FAIL',
      finding: expect.stringMatching(/^SECRETS_KEY does not open (\d+) of \1 sealed keys/),
    });
  });

  it('lets old ones stand behind a new one', async () => {
    const own: string = JSON.parse(kept).SECRETS_KEY[0];
    const [found] = await foundOfSecrets({ SECRETS_KEY: `${newSecret()},${own}` });
    expect(found?.verdict).toBe('OK');
  });
});
