import type { Context } from 'koa';
import rawBody from 'raw-body';
import { z } from 'zod';
import { plainDigits } from '../kit/plain-digits.ts';
import { parseParameters } from './parameters.ts';
import { Problem } from './problem.ts';
import type { Sentence } from './words.ts';

/**
 * What people send us. A form is read strictly once, against the page's zod schema; what comes out is typed fields, or
 * one sentence a field with what was typed. A body that no browser would send from our page (another type, too large,
 * a field twice, broken text) is not a person's mistake: it throws the Problem of its status instead.
 */

/** A sentence for each field that has a problem, by the field's name; `form` for one that belongs to no field. */
export type Problems = Record<string, Sentence>;

export type FormAnswer<Fields> =
  | { ok: true; fields: Fields }
  | { ok: false; problems: Problems; typed: Record<string, string> };

const bodyLimit = 16 * 1024;

/** `lists` names the fields that may come several times; the schema gets them as an array, empty when none came. */
export async function readForm<Schema extends z.ZodObject>(
  ctx: Pick<Context, 'req'>,
  schema: Schema,
  { lists = [] }: { lists?: readonly string[] } = {},
): Promise<FormAnswer<z.output<Schema>>> {
  refuseOtherTypes(ctx);
  return check(schema, parseParameters(await readBody(ctx), lists));
}

/** A form that another site may have made, as it came: text in UTF-8. */
export async function readWholeForm(ctx: Pick<Context, 'req'>): Promise<string> {
  refuseOtherTypes(ctx);
  return readBody(ctx);
}

/** The parameters of a GET, read as strictly; they come from our own links, so a problem in them is a 400. */
export function readQuery<Schema extends z.ZodObject>(
  ctx: Pick<Context, 'querystring'>,
  schema: Schema,
  { lists = [] }: { lists?: readonly string[] } = {},
): z.output<Schema> {
  const answer = check(schema, parseParameters(ctx.querystring, lists));
  if (answer.ok) return answer.fields;
  throw new Problem({
    status: 400,
    code: 'malformed_request',
    reason: 'a query parameter is not as it should be',
  });
}

function refuseOtherTypes({ req }: Pick<Context, 'req'>): void {
  const [type = '', ...parameters] = (req.headers['content-type'] ?? '').toLowerCase().split(';');
  const plain = parameters.every((parameter) => /^\s*(charset="?utf-8"?\s*)?$/.test(parameter));
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (type.trim() === 'application/x-www-form-urlencoded' && plain && encoding === 'identity') return;
  throw new Problem({ status: 415, code: 'not_a_form', reason: 'the body is not a UTF-8 form' });
}

async function readBody({ req }: Pick<Context, 'req'>): Promise<string> {
  const length = req.headers['content-length'] ?? null;
  const body = await rawBody(req, { length, limit: bodyLimit }).catch((cause: unknown) => {
    const tooLarge = (cause as { type?: unknown }).type === 'entity.too.large';
    if (tooLarge)
      throw new Problem({ status: 413, code: 'form_too_large', reason: 'the body is too large', cause });
    throw new Problem({ status: 400, code: 'malformed_request', reason: 'the body ended early', cause });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new Problem({ status: 400, code: 'malformed_request', reason: 'the body is not UTF-8', cause });
  }
}

function check<Schema extends z.ZodObject>(
  schema: Schema,
  parameters: Record<string, string | string[]>,
): FormAnswer<z.output<Schema>> {
  // zod's own sentences are English and for developers; a schema of ours names a message key instead.
  const error = (issue: { input?: unknown }) =>
    issue.input === undefined || issue.input === '' ? 'form.required' : 'form.invalid';
  const parsed = schema.safeParse({ ...parameters }, { error });
  if (parsed.success) return { ok: true, fields: parsed.data };
  const problems: Problems = {};
  for (const issue of parsed.error.issues) problems[String(issue.path[0] ?? 'form')] ??= sentenceOf(issue);
  return { ok: false, problems, typed: typedBack(schema, parameters) };
}

function sentenceOf(issue: z.core.$ZodIssue): Sentence {
  if (issue.code === 'custom' && issue.params?.['values'])
    return { key: issue.message, values: issue.params['values'] as Record<string, string | number> };
  return issue.message;
}

/** What was typed, for the form shown again. Never a password or a code: those are typed anew. */
function typedBack(
  schema: z.ZodObject,
  parameters: Record<string, string | string[]>,
): Record<string, string> {
  const typed: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = parameters[name];
    if (!/password|code|secret/i.test(name))
      typed[name] = typeof value === 'string' ? value.slice(0, 1000) : '';
  }
  return typed;
}

/** One line of text, trimmed, in NFC so that the same word is the same string whichever keyboard wrote it. */
export function textField({
  most = 200,
  required = 'form.required',
}: {
  most?: number;
  required?: string;
} = {}) {
  return optionalTextField({ most }).refine((text) => text !== '', required);
}

/** As textField; the field may be empty or missing, and then is ''. */
export function optionalTextField({ most = 200 }: { most?: number } = {}) {
  return z
    .string()
    .default('')
    .transform((text) => text.normalize('NFC').trim())
    .refine((text) => !/[\t\n\r]/.test(text), 'form.invalid')
    .refine((text) => text.length <= most, { message: 'form.too_long', params: { values: { most } } });
}

/** A password as it was typed, blanks and all; how it is normalised is the credential's business. */
export function passwordField({ required = 'form.password_required' }: { required?: string } = {}) {
  return z.string(required).min(1, required).max(1000, 'form.invalid');
}

/** A code of digits. People type and paste the blanks and dashes it was shown with, in the digits of their keyboard. */
export function codeField({
  digits = 6,
  required = 'form.code_required',
  wrong = 'form.code_digits',
}: {
  digits?: number;
  required?: string;
  /** Of what has not so many digits. */
  wrong?: string;
} = {}) {
  return z
    .string(required)
    .transform((text) => plainDigits(text.normalize('NFKC').replace(/[\s\p{Cf}-]/gu, '')))
    .refine((text) => text !== '', { message: required, abort: true })
    .refine((text) => new RegExp(`^[0-9]{${digits}}$`).test(text), {
      message: wrong,
      params: { values: { digits } },
    });
}

/** A check box: browsers send nothing at all when it is not ticked. */
export function tickBox() {
  return z
    .string()
    .optional()
    .transform((value) => value !== undefined);
}
