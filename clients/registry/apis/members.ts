import { z } from 'zod';
import { registrableScopes } from '../members/flows.ts';
import { shownText } from '../members/kinds.ts';

/**
 * What an API is, as its operator registers it (RFC 8707, RFC 9068): whom its tokens are for, what they may allow, and
 * how people read that on the consent page.
 */
const languages = ['en', 'de', 'es', 'fr', 'ja', 'ar'] as const;

/** One text for everybody, or one for each language; English stands for those that are missing. */
const localText = (most: number) =>
  z.union(
    [
      shownText(most),
      z.strictObject(
        Object.fromEntries(
          languages.map((one) => [one, one === 'en' ? shownText(most) : shownText(most).optional()]),
        ) as { en: z.ZodString } & Record<
          (typeof languages)[number],
          z.ZodOptional<z.ZodString> | z.ZodString
        >,
      ),
    ],
    'must be a text, or one for each language with en among them.',
  );

/** Stands apart from the scopes of people, which are ours, by its colon. */
const scopeName = z
  .string()
  .regex(
    /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/,
    'has a character that no scope may have (RFC 6749 section 3.3).',
  )
  .refine((name) => name.includes(':') && !registrableScopes.includes(name), 'needs a colon in its name.');

const apiScope = z.strictObject({
  name: scopeName,
  title: localText(120),
  optional: z.boolean().default(false),
});

export const apiIdentifier = z
  .string()
  .max(500, 'is longer than 500 characters.')
  .refine(
    (text) => URL.canParse(text) && !/[#\s]/.test(text),
    'must be an absolute address (URI) without a fragment (RFC 8707 section 2).',
  );

/** A kind of permission finer than a scope (RFC 9396): what it may say, and how people read that. */
const detailField = z.strictObject({
  name: z.string().regex(/^[a-z][a-zA-Z0-9_]{0,60}$/, 'must be letters, digits and underscores.'),
  title: localText(80),
  required: z.boolean().default(true),
  values: z
    .array(shownText(200))
    .min(1)
    .max(50)
    .optional()
    .meta({ description: 'The only values there are.' }),
});
const detailType = z.strictObject({
  type: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be a name or an address without spaces (RFC 9396 section 2.1).'),
  title: localText(120),
  fields: z
    .array(detailField)
    .min(1, 'has no field. Add one.')
    .max(20, 'has more than 20 fields. Remove some.')
    .refine(
      (list) => list.every(({ name }) => name !== 'type'),
      'has a field named type, which there is already.',
    ),
});

const members = z.strictObject({
  name: localText(80).meta({ description: 'The name on the consent page.' }),
  scopes: z
    .array(apiScope)
    .max(50, 'has more than 50 entries. Remove some.')
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'has a scope twice.')
    .default([])
    .meta({ description: 'What its tokens may allow: name, title, and whether a person may leave it out.' }),
  token_format: z.enum(['jwt', 'opaque']).default('jwt').meta({
    description: 'jwt is RFC 9068, which the API checks itself; opaque is asked about by introspection.',
  }),
  token_lifetime: z
    .number('must be a number of seconds.')
    .int('must be whole seconds.')
    .min(30, 'must be at least 30 seconds.')
    .max(3600, 'must not exceed an hour (3600).')
    .default(300)
    .meta({
      description: 'Seconds. A JWT is believed until its end, whatever happens meanwhile: keep it short.',
    }),
  signing_alg: z.enum(['RS256', 'PS256', 'ES256', 'EdDSA']).default('ES256'),
  open_to_all: z.boolean().default(false).meta({
    description:
      'Every app may ask people for it, and those that an operator knows get tokens for themselves; else only those that name it among their resources.',
  }),
  first_party_only: z.boolean().default(false).meta({ description: 'Only our own apps may use it.' }),
  authorization_details_types: z
    .array(detailType)
    .max(20, 'has more than 20 entries. Remove some.')
    .default([])
    .meta({
      description:
        'What apps may ask for in authorization_details (RFC 9396): type, title, and fields with titles.',
    }),
  introspected_by: z
    .array(z.string().min(1).max(128))
    .max(20, 'has more than 20 entries. Remove some.')
    .default([])
    .meta({
      description: 'The apps, by client id, that may introspect tokens for it: those of the API itself.',
    }),
});

export const apiMembers = members;
export type ApiMembers = z.output<typeof members>;
export type DetailType = z.output<typeof detailType>;
export type LocalText = ApiMembers['name'];

export function textIn(text: LocalText, locale: string): string {
  if (typeof text === 'string') return text;
  return (text as Record<string, string | undefined>)[locale] ?? (text as { en: string }).en;
}
