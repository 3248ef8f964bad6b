import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readSources } from '../support/house.ts';

const root = path.join(__dirname, '..', '..');

/** What is put in: `${accountId}` and `${digest(by).slice(0, 22)}` of the code, <id> and <keyed digest> of the drawing. */
const putIn = /\$\{(?:[^{}()]|\([^()]*\))*\}|<[^<>]+>/g;

/** Such as `{account *}:proof:*`. */
const drawn = readFileSync(path.join(root, 'src/oidc/live-layout.ts'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith(' *   {'))
  .flatMap((line) => /\{[^}]*\}:\S+(?: of \w+)?/.exec(line.replaceAll(putIn, '*'))?.[0] ?? []);

const made = readSources(root, ['src', 'interactions', 'clients']).flatMap(({ file, text }) =>
  [...text.matchAll(/`(\{.*?\}(?::[^`\n]*)?)`/g)]
    .map(([, key = '']) => key.replaceAll(putIn, '*'))
    .filter((key) => /^\{[^{}]*\*[^{}]*\}(:|$)/.test(key))
    .map((key) => ({ file, key })),
);

/** Of a key that is made further on (`${counter}:hits`) the code has only the beginning in one place. */
const isOf = (line: string, key: string) =>
  new RegExp(`^${key.split('*').map(RegExp.escape).join('[^{}]+')}`).test(line);

/** Where what lies in the live state is drawn, so that who looks into a Redis knows what they see. */
describe('The drawing of the live state', () => {
  it.each(made)('has a line for $key of $file', ({ key }) => {
    expect(drawn.filter((line) => isOf(line, key))).not.toEqual([]);
  });

  it.each(drawn)('has %s, which somebody makes', (line) => {
    expect(made.filter(({ key }) => isOf(line, key))).not.toEqual([]);
  });
});
