/** What must never happen and did, by the invariants of the document (I1 to I8), counted and with the first few examples. */
type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'target';
export type Finding = { invariant: Invariant; what: string; times: number; examples: string[] };

export type Findings = {
  add(invariant: Invariant, what: string, example?: string): void;
  list(): Finding[];
  count(invariant: Invariant): number;
};

const mostExamples = 3;

export function openFindings(): Findings {
  const found = new Map<string, Finding>();
  return {
    add(invariant, what, example) {
      const key = `${invariant} ${what}`;
      const finding = found.get(key) ?? { invariant, what, times: 0, examples: [] };
      finding.times += 1;
      if (example && finding.examples.length < mostExamples) finding.examples.push(example);
      found.set(key, finding);
    },
    list: () => [...found.values()].sort((a, b) => a.invariant.localeCompare(b.invariant)),
    count: (invariant) =>
      [...found.values()]
        .filter((one) => one.invariant === invariant)
        .reduce((sum, one) => sum + one.times, 0),
  };
}
