import type { z } from 'zod';

/** `field` is the member's name, with a place for lists: `redirect_uris[1]`. The sentence says what to do. */
export type FieldProblem = { field: string; problem: string };

/** Says zod's issues as problems of fields. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          field: fieldName([...issue.path, key]),
          problem: 'is not a member we know. Remove it.',
        }))
      : [{ field: fieldName(issue.path), problem: sentence(issue) }],
  );
}

function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid'))
    return `must be ${issue.values.map(String).join(' or ')}.`;
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input'))
    return `must be ${shapes[issue.expected] ?? issue.expected}.`;
  return issue.message.replace(/([^.?])$/, '$1.');
}

const shapes: Record<string, string> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};
