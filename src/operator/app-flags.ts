import { z } from 'zod';
import { clientMetadata } from '../../clients/registry/metadata.ts';
import type { FieldProblem } from '../../clients/registry/problems.ts';
import type { Desk, Problem } from './command.ts';
import { camelCase, flagName } from './command.ts';
import { readMembersFile } from './members-file.ts';

/**
 * The members of an app's metadata as flags: `redirect_uris` is `--redirect-uris`, given once for each or with commas
 * between. What has members of its own (jwks, names in other languages) comes from --metadata-file; a flag wins over the file.
 */
const shape: Record<string, z.ZodType> = clientMetadata.shape;
const memberNames = Object.keys(shape).filter((name) => !(inner(shape[name]) instanceof z.ZodObject));

export const metadataFlags: Record<string, z.ZodType> = {
  metadataFile: z
    .string()
    .optional()
    .meta({ description: 'A file (YAML or JSON) with members of its metadata; - is standard input.' }),
  ...Object.fromEntries(memberNames.map((name) => [camelCase(name), asFlag(name)])),
};

/** What the flags and the file say, as metadata to be checked by the registry. */
export async function readMetadata(
  desk: Desk,
  flags: Record<string, unknown>,
): Promise<{ ok: true; metadata: Record<string, unknown> } | { ok: false; problems: Problem[] }> {
  const file = flags['metadataFile'] as string | undefined;
  const fromFile = await readMembersFile(desk, { flag: '--metadata-file', file });
  if (!fromFile.ok) return fromFile;
  const typed = memberNames.flatMap((name) => {
    const value = flags[camelCase(name)];
    return value === undefined ? [] : [[name, asMember(name, value)]];
  });
  return { ok: true, metadata: { ...fromFile.members, ...Object.fromEntries(typed) } };
}

/** A problem of a member, said of the flag that the operator typed where there is one. */
export function asTyped({ field, problem }: FieldProblem): Problem {
  const name = /^[a-z_]+/.exec(field)?.[0] ?? field;
  return memberNames.includes(name)
    ? { field: `${flagName(camelCase(name))}${field.slice(name.length)}`, problem }
    : { field, problem };
}

function asFlag(name: string): z.ZodType {
  const schema = inner(shape[name]);
  const kind =
    schema instanceof z.ZodBoolean ? z.boolean() : isList(schema) ? z.array(z.string()) : z.string();
  const choices = schema instanceof z.ZodEnum ? schema.options.join(', ') : '';
  const description = [shape[name]?.meta()?.description, choices && `One of ${choices}.`];
  return kind.optional().meta({ description: description.filter(Boolean).join(' ') });
}

function asMember(name: string, value: unknown): unknown {
  const schema = inner(shape[name]);
  if (schema instanceof z.ZodNumber && /^\d+$/.test(String(value))) return Number(value);
  // The one member that may be a text or a list.
  if (schema instanceof z.ZodUnion && Array.isArray(value) && value.length === 1 && value[0] === '*')
    return '*';
  return Array.isArray(value) ? value.flatMap((text: string) => entriesIn(name, text)) : value;
}

/** People write several into one flag as well. An address may have a comma of its own, so there another must begin after it. */
function entriesIn(name: string, text: string): string[] {
  const between = /_uris$|^resources$/.test(name) ? /, *(?=[a-z][a-z0-9+.-]*:\/)/i : /, */;
  return text.split(between);
}

function isList(schema: z.ZodType | undefined): boolean {
  return schema instanceof z.ZodArray || schema instanceof z.ZodUnion;
}

function inner(schema: z.ZodType | undefined): z.ZodType | undefined {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? inner(schema.unwrap() as z.ZodType)
    : schema;
}
