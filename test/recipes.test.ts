import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

/** What documents show in TypeScript is quoted from code that tests run, line by line. */
const root = path.join(import.meta.dirname, '..');
const places = ['test/journeys/third-party', 'clients/examples/demo'];
const sources = places.flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => linesOf(readFileSync(path.join(root, folder, name), 'utf8'))),
);

function linesOf(text: string): string {
  return `\n${text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .join('\n')}\n`;
}

describe.each(['integrate.md', 'recipes.md'])('the TypeScript in %s', (file) => {
  const text = readFileSync(path.join(root, 'docs', file), 'utf8');
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => linesOf(code));

  it('is quoted from what tests run', () => {
    expect(blocks.length).toBeGreaterThan(2);
    const invented = blocks.filter((block) => !sources.some((source) => source.includes(block)));
    expect(invented).toEqual([]);
  });
});
