import type { Result } from './recipe.ts';

/** One recipe, as lines. */
export function linesOf(result: Result): string[] {
  const { name, title, proof, voided, measured, findings, requests, seconds } = result;
  return [
    `${name} ${title}: ${verdictOf(result)} (${requests} requests, ${seconds} s)`,
    ...proof.map((line) => `    proof    ${line}`),
    ...voided.map((line) => `    VOID     ${line}`),
    ...measured.map(
      ({ what, figure, target, met }) =>
        `    ${met ? 'ok      ' : 'MISSED  '} ${what}: ${figure} (${target})`,
    ),
    ...findings.flatMap(({ invariant, what, times, examples }) => [
      `    FOUND    ${invariant}: ${what}, ${times} times`,
      ...examples.map((example) => `             ${example}`),
    ]),
  ];
}

export function verdictOf({ voided, measured, findings }: Result): 'holds' | 'void' | 'does not hold' {
  if (voided.length > 0) return 'void';
  return findings.length === 0 && measured.every(({ met }) => met) ? 'holds' : 'does not hold';
}

/** The table of docs/reliability.md. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.flatMap(({ name, title, measured }) =>
    measured.map(({ what, figure, target }, place) =>
      [place === 0 ? `${name} ${title}` : '', what, figure, target].join(' | '),
    ),
  );
  return [
    '| recipe | measured | figure | best in class |',
    '|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}
