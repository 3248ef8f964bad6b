import { z } from 'zod';
import { type Api, findApi, listApis } from '../../clients/registry/apis/apis.ts';
import { textIn } from '../../clients/registry/apis/members.ts';
import type { FieldProblem } from '../../clients/registry/problems.ts';
import { registerApi, reviseApi, unregisterApi } from '../actions/register-api.ts';
import { apiMetadata } from '../oidc/resources/api-metadata.ts';
import type { Desk, Reply } from './command.ts';
import { camelCase, command, flagName, no, several, wholeNumber, yes } from './command.ts';
import { members, moment, table } from './lines.ts';
import { readMembersFile } from './members-file.ts';

/** The APIs that apps get access tokens for (RFC 8707). */
const identifier = z.string().meta({
  description: 'The address (URI) by which apps name it; the aud of its tokens. May stand without the flag.',
});
const memberFlags = {
  file: z.string().optional().meta({
    description:
      'A file (YAML or JSON) with its members, such as scopes with titles in several languages; - is standard input.',
  }),
  name: z.string().optional().meta({ description: 'The name on the consent page.' }),
  scope: several.default([]).meta({
    description:
      'A scope and what people read of it: files:read=See your files. With files:read?= it may be left out.',
  }),
  tokenFormat: z.enum(['jwt', 'opaque']).optional().meta({ description: 'jwt (RFC 9068) or opaque.' }),
  tokenLifetime: wholeNumber(30, 3600)
    .optional()
    .meta({ description: 'Seconds; 300 unless said otherwise.' }),
  signingAlg: z.enum(['RS256', 'PS256', 'ES256', 'EdDSA']).optional(),
  openToAll: z.boolean().optional().meta({
    description: 'Every app may ask people for it; else only those that name it among their resources.',
  }),
  firstPartyOnly: z.boolean().optional().meta({ description: 'Only our own apps may use it.' }),
  introspectedBy: several.default([]).meta({
    description: 'The client id of an app that may introspect its tokens: one of the API itself.',
  }),
};
type Flags = z.output<z.ZodObject<typeof memberFlags>>;

const create = command({
  name: 'apis create',
  summary: 'Register an API, so that apps can get access tokens for it.',
  word: 'identifier',
  flags: { identifier, ...memberFlags },
  async run(desk, flags) {
    const read = await readMembers(desk, flags);
    if (!read.ok) return read;
    const added = await registerApi(await desk.services(), { identifier: flags.identifier, ...read.members });
    if (added.ok) return shown(added.api, 'Registered.');
    if (added.reason === 'not_accepted') return no(...added.problems.map(asTyped));
    return no({ field: '--identifier', problem: 'is taken. Use `apis update`.' });
  },
});

const show = command({
  name: 'apis show',
  summary: 'Show an API.',
  word: 'identifier',
  flags: { identifier },
  async run(desk, given) {
    const api = await findApi(await desk.services(), given.identifier);
    return api ? shown(api) : noApi();
  },
});

const list = command({
  name: 'apis list',
  summary: 'List every API.',
  flags: {},
  async run(desk) {
    const apis = await listApis(await desk.services());
    const row = (api: Api) => [
      api.identifier,
      textIn(api.name, 'en'),
      api.scopes.map(({ name }) => name).join(' '),
      `${api.token_format}, ${api.token_lifetime} s`,
      moment(api.createdAt),
    ];
    return yes(
      apis.map(describe),
      table(['identifier', 'name', 'scopes', 'tokens', 'registered'], apis.map(row)),
    );
  },
});

const update = command({
  name: 'apis update',
  summary: 'Change members of an API. What is not named stays.',
  word: 'identifier',
  flags: { identifier, ...memberFlags },
  async run(desk, flags) {
    const read = await readMembers(desk, flags);
    if (!read.ok) return read;
    const changed = await reviseApi(await desk.services(), {
      identifier: flags.identifier,
      changes: read.members,
    });
    if (changed.ok) return shown(changed.api, changed.changed ? 'Changed.' : 'Nothing to change.');
    return changed.reason === 'not_accepted' ? no(...changed.problems.map(asTyped)) : noApi();
  },
});

const remove = command({
  name: 'apis delete',
  summary: 'Remove an API. No new tokens are given for it; those that are out end by themselves.',
  word: 'identifier',
  flags: { identifier },
  async run(desk, given) {
    const removed = await unregisterApi(await desk.services(), given.identifier);
    return removed.ok ? yes({ identifier: given.identifier }, [`Removed ${given.identifier}.`]) : noApi();
  },
});

const metadata = command({
  name: 'apis metadata',
  summary: 'Print what an API publishes of itself at /.well-known/oauth-protected-resource (RFC 9728).',
  word: 'identifier',
  flags: { identifier },
  async run(desk, given) {
    const services = await desk.services();
    const api = await findApi(services, given.identifier);
    if (!api) return noApi();
    const document = apiMetadata(services, api);
    return yes(document, JSON.stringify(document, null, 2).split('\n'));
  },
});

export const apiCommands = [create, show, list, update, remove, metadata];

/** Of the file and the flags; a flag wins. */
async function readMembers(
  desk: Desk,
  {
    file,
    name,
    scope,
    introspectedBy,
    tokenFormat,
    tokenLifetime,
    signingAlg,
    openToAll,
    firstPartyOnly,
  }: Flags,
): Promise<{ ok: true; members: object } | (Reply & { ok: false })> {
  const fromFile = await readMembersFile(desk, { flag: '--file', file });
  if (!fromFile.ok) return fromFile;
  const typed = {
    name,
    token_format: tokenFormat,
    token_lifetime: tokenLifetime,
    signing_alg: signingAlg,
    open_to_all: openToAll,
    first_party_only: firstPartyOnly,
    ...(scope.length > 0 ? { scopes: scope.map(readScope) } : {}),
    ...(introspectedBy.length > 0 ? { introspected_by: introspectedBy } : {}),
  };
  const given = Object.entries(typed).filter(([, value]) => value !== undefined);
  return { ok: true, members: { ...fromFile.members, ...Object.fromEntries(given) } };
}

function readScope(text: string): object {
  const equals = text.indexOf('=');
  const before = equals < 0 ? text : text.slice(0, equals);
  const optional = before.endsWith('?');
  const name = optional ? before.slice(0, -1) : before;
  return { name, title: equals < 0 ? name : text.slice(equals + 1), optional };
}

/** A member by the name of its flag. */
function asTyped({ field, problem }: FieldProblem) {
  const [name = ''] = /^[a-z_]+/.exec(field) ?? [];
  const flag = name === 'scopes' ? 'scope' : camelCase(name);
  return { field: `${flagName(flag)}${field.slice(name.length)}`, problem };
}

function describe({ createdAt, updatedAt, identifier: id, ...rest }: Api) {
  return { identifier: id, ...rest, created_at: moment(createdAt), updated_at: moment(updatedAt) };
}

function shown(api: Api, said?: string): Reply {
  const all = describe(api);
  return yes(all, [...(said ? [said] : []), ...members(all)]);
}

function noApi(): Reply {
  return no({ field: '--identifier', problem: 'is no API of ours. See `apis list`.' });
}
