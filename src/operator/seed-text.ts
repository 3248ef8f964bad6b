import { isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { FieldProblem } from '../../clients/registry/problems.ts';

/** Reads YAML 1.2 into plain values; what is not YAML is told with its line. */
export function parseSeedText(
  text: string,
): { ok: true; value: unknown } | { ok: false; problems: FieldProblem[] } {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true });
  const problems = document.errors.map((error) => {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    return { field: `line ${line}, column ${col}`, problem: `${error.message}.` };
  });
  if (problems.length > 0) return { ok: false, problems };
  visit(document, {
    // A phone number, a postal code and a password of digits are text, however they are written.
    Pair(_, pair) {
      if (isPair(pair) && isScalar(pair.key) && !numbers.has(String(pair.key.value))) asWritten(pair.value);
    },
    Seq(_, list) {
      for (const item of list.items) asWritten(item);
    },
  });
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    return { ok: false, problems: [{ field: 'file', problem: `${(error as Error).message}.` }] };
  }
}

const numbers = new Set(['default_max_age', 'token_lifetime']);

function asWritten(node: unknown): void {
  if (isScalar(node) && typeof node.value === 'number' && node.source) node.value = node.source;
}
