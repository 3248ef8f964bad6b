import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The blocks of docs/recipes.md: what stands there is what tests run. */
const text = readFileSync(path.join(import.meta.dirname, '../../docs/recipes.md'), 'utf8');

const recipes = [...text.matchAll(/^## (.+)$([\s\S]*?)(?=^## |(?![\s\S]))/gm)].flatMap(
  ([, title = '', body = '']) =>
    [...body.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language = '', code = '']) => ({
      title,
      language,
      code,
    })),
);

/** The only block of a language under a heading, or the one with these words, with the examples' addresses and secrets replaced. */
export function recipe(
  title: string,
  { language, has = '', given }: { language: string; has?: string; given: Record<string, string> },
): string {
  const [found, ...more] = recipes.filter(
    (one) => one.title === title && one.language === language && one.code.includes(has),
  );
  if (!found || more.length > 0) throw new Error(`docs/recipes.md has not one such block under ${title}`);
  return Object.entries(given).reduce((code, [example, real]) => {
    if (!code.includes(example)) throw new Error(`the recipe of ${title} does not name ${example}`);
    return code.replaceAll(example, real);
  }, found.code);
}
