import { z } from 'zod';
import { settingsSchema } from '../../src/settings/schema.ts';
import { code, type Manual, page, table } from './markdown.ts';

type Described = { pattern?: string; enum?: string[]; minimum?: number; maximum?: number };

export const settingsManual: Manual = {
  file: 'settings.md',
  print: () =>
    page(
      'Settings',
      'Latchkey is set up through its environment. Everything is checked at start, and all problems are told together. ' +
        'An empty variable counts as unset.',
      table(['Name', 'Default', 'Values', 'Meaning'], settingRows()),
    ),
};

function settingRows(): string[][] {
  // What is typed and what it becomes are two schemas: the first knows the words, the second the bounds of a number.
  const typed = properties('input');
  const read = properties('output');
  return Object.entries(settingsSchema.shape).map(([name, schema]) => [
    code(name),
    defaultOf(schema),
    valuesOf(typed[name] ?? {}, read[name] ?? {}),
    schema.meta()?.description ?? '',
  ]);
}

function properties(io: 'input' | 'output'): Record<string, Described | undefined> {
  const schema = z.toJSONSchema(settingsSchema, { io, unrepresentable: 'any' });
  return (schema.properties ?? {}) as Record<string, Described | undefined>;
}

function defaultOf(schema: z.ZodType): string {
  if (!(schema instanceof z.ZodDefault)) return 'unset';
  const value: unknown = schema.def.defaultValue;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : code(value.join(','));
  return code(typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value));
}

function valuesOf(typed: Described, read: Described): string {
  if (typed.enum) return typed.enum.map(code).join(', ');
  if (read.minimum !== undefined && read.maximum !== undefined) return `${read.minimum} to ${read.maximum}`;
  return 'text';
}
