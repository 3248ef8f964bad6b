import { z } from 'zod';
import { findApi } from '../../clients/registry/apis/apis.ts';
import { findLogo, type KeptLogo } from '../../clients/registry/logos.ts';
import type { NotAccepted } from '../../clients/registry/new-client.ts';
import type { Client } from '../../clients/registry/registry.ts';
import { findClient, listClients } from '../../clients/registry/registry.ts';
import { chosenSecretProblem } from '../../clients/registry/secrets.ts';
import { changeClient } from '../actions/change-client.ts';
import { disableClient, enableClient } from '../actions/disable-client.ts';
import { registerClient } from '../actions/register-client.ts';
import { removeClient } from '../actions/remove-client.ts';
import { rotateClientSecret } from '../actions/rotate-client-secret.ts';
import { verifyClient } from '../actions/verify-client.ts';
import { asTyped, metadataFlags, readMetadata } from './app-flags.ts';
import type { Reply } from './command.ts';
import { command, duration, no, several, yes } from './command.ts';
import { counted, members, moment, table } from './lines.ts';
import { describeLogo, logoFile, noLogo, readLogo } from './logo-flags.ts';

const clientId = z.string().meta({ description: 'The app. May stand without the flag.' });
const clientSecretFile = z
  .string()
  .optional()
  .meta({ description: 'A file with a secret of your choice; - is standard input. Without it one is made.' });

const create = command({
  name: 'apps create',
  summary: 'Register an app. Its secret is shown this once.',
  aliases: { name: 'clientName' },
  flags: {
    ...metadataFlags,
    clientId: z.string().optional().meta({ description: 'An id of your choice. Without it one is made.' }),
    clientSecretFile,
    logoFile,
  },
  async run(desk, flags) {
    const read = await readMetadata(desk, flags);
    if (!read.ok) return read;
    const picture = await readLogo(desk, flags);
    if (!picture.ok) return picture;
    const { metadata } = read;
    const chosen = flags['clientSecretFile'] as string | undefined;
    const services = await desk.services();
    const added = await registerClient(services, {
      metadata,
      logo: picture.logo ?? undefined,
      clientId: (flags['clientId'] ?? metadata['client_id']) as string | undefined,
      clientSecret: chosen === undefined ? undefined : await desk.readSecret('client secret', chosen),
    });
    if (!added.ok && added.reason === 'client_id_taken')
      return no({ field: '--client-id', problem: 'is taken. Choose another, or use `apps update`.' });
    if (!added.ok) return notAccepted(added);
    const secret = added.clientSecret === undefined ? {} : { client_secret: added.clientSecret };
    const logo = await findLogo(services, added.client.clientId);
    const { client_id, ...rest } = describe(added.client, logo);
    const shown = {
      client_id,
      ...secret,
      client_secret_expires_at: secret.client_secret ? 0 : undefined,
      ...rest,
    };
    return yes(
      shown,
      [
        `Registered ${added.client.metadata.client_name}.${added.clientSecret ? ' Keep the secret now: it is not shown again.' : ''}`,
        ...members({ client_id, ...secret }),
      ],
      [...added.notes, ...(await unknownApis(services, added.client))],
    );
  },
});

/** Not refused: the API may come after the app. */
async function unknownApis(services: Parameters<typeof findApi>[0], { metadata }: Client): Promise<string[]> {
  const notes = (metadata.resources ?? []).map(async (identifier) => {
    const known = await findApi(services, identifier);
    return known ? [] : [`resources has ${identifier}, which is no API of ours yet. See \`apis create\`.`];
  });
  return (await Promise.all(notes)).flat();
}

const show = command({
  name: 'apps show',
  summary: 'Show an app and when its secrets were made.',
  word: 'clientId',
  flags: { clientId },
  async run(desk, given) {
    const services = await desk.services();
    const client = await findClient(services, given.clientId);
    if (!client) return noApp();
    const shown = describe(client, await findLogo(services, client.clientId));
    return yes(shown, members(shown));
  },
});

const list = command({
  name: 'apps list',
  summary: 'List every app.',
  flags: {},
  async run(desk) {
    const clients = await listClients(await desk.services());
    const row = ({ clientId: id, metadata, disabledAt, createdAt }: Client) => [
      id,
      metadata.client_name,
      metadata.token_endpoint_auth_method,
      disabledAt === undefined ? 'active' : 'disabled',
      moment(createdAt),
    ];
    return yes(
      clients.map((client) => describe(client)),
      table(['client_id', 'name', 'authenticates by', 'state', 'registered'], clients.map(row)),
    );
  },
});

const update = command({
  name: 'apps update',
  summary: 'Change members of an app. What is not named stays.',
  word: 'clientId',
  aliases: { name: 'clientName' },
  flags: {
    ...metadataFlags,
    clientId,
    logoFile,
    noLogo,
    remove: several.default([]).meta({ description: 'A member to take away, by its RFC 7591 name.' }),
  },
  async run(desk, flags) {
    const read = await readMetadata(desk, flags);
    if (!read.ok) return read;
    const picture = await readLogo(desk, flags);
    if (!picture.ok) return picture;
    const removed = Object.fromEntries((flags['remove'] as string[]).map((name) => [name, null]));
    const services = await desk.services();
    const changed = await changeClient(services, {
      clientId: flags['clientId'] as string,
      changes: { ...read.metadata, ...removed },
      logo: picture.logo,
    });
    if (!changed.ok && changed.reason === 'not_accepted') return notAccepted(changed);
    if (!changed.ok) return noApp();
    const shown = describe(changed.client, await findLogo(services, changed.client.clientId));
    return yes(
      shown,
      [changed.changed ? 'Changed.' : 'Nothing to change.', ...members(shown)],
      [...changed.notes, ...(await unknownApis(services, changed.client))],
    );
  },
});

const rotateSecret = command({
  name: 'apps rotate-secret',
  summary: 'Give an app a new secret, shown this once. The old ones go on working for a while.',
  word: 'clientId',
  flags: {
    clientId,
    overlap: duration.default(24 * 3_600_000).meta({
      description: 'How long the old secrets stay right: 90s, 15m, 24h, 7d; 0s when one leaked. Default 24h.',
    }),
    clientSecretFile,
  },
  async run(desk, given) {
    const chosen = given.clientSecretFile && (await desk.readSecret('client secret', given.clientSecretFile));
    const problem = chosen === undefined ? undefined : chosenSecretProblem(chosen);
    if (problem) return no({ field: '--client-secret-file', problem });
    const rotated = await rotateClientSecret(await desk.services(), {
      clientId: given.clientId,
      overlapMs: given.overlap,
      ...(chosen ? { clientSecret: chosen } : {}),
    });
    if (!rotated.ok && rotated.reason === 'uses_no_secret')
      return no('The app does not authenticate with a secret.');
    if (!rotated.ok) return noApp();
    const shown = {
      client_id: given.clientId,
      client_secret: rotated.clientSecret,
      old_secrets_end_at: moment(rotated.oldSecretsEndAt),
    };
    return yes(shown, ['Keep the secret now: it is not shown again.', ...members(shown)]);
  },
});

const remove = command({
  name: 'apps delete',
  summary: 'Remove an app for good, with what people allowed it. Its tokens end at once.',
  word: 'clientId',
  flags: { clientId },
  async run(desk, given) {
    const removed = await removeClient(await desk.services(), given);
    return removed.ok ? revoked('Removed', given.clientId, removed.grants) : noApp();
  },
});

const disable = command({
  name: 'apps disable',
  summary: 'Stop an app until it is enabled. Its tokens end at once.',
  word: 'clientId',
  flags: {
    clientId,
    reason: z.string().max(200).default('').meta({ description: 'Why, for the audit record.' }),
  },
  async run(desk, given) {
    const disabled = await disableClient(await desk.services(), given);
    return disabled.ok ? revoked('Disabled', given.clientId, disabled.grants) : noApp();
  },
});

const enable = command({
  name: 'apps enable',
  summary: 'Let a disabled app work again.',
  word: 'clientId',
  flags: { clientId },
  async run(desk, given) {
    const enabled = await enableClient(await desk.services(), given);
    if (!enabled.ok) return noApp();
    return changedOrNot(given.clientId, enabled.changed, { done: 'Enabled', before: 'was not disabled' });
  },
});

const verify = command({
  name: 'apps verify',
  summary: 'Vouch for an app that registered itself: people are no longer told that nobody looked at it.',
  word: 'clientId',
  flags: { clientId },
  async run(desk, given) {
    const verified = await verifyClient(await desk.services(), given);
    if (!verified.ok) return noApp();
    return changedOrNot(given.clientId, verified.changed, {
      done: 'Verified',
      before: 'was verified before',
    });
  },
});

export const appCommands = [create, show, list, update, rotateSecret, remove, disable, enable, verify];

function revoked(done: string, client_id: string, grants: number): Reply {
  return yes({ client_id, grants_revoked: grants }, [
    `${done} ${client_id}: revoked ${counted(grants, 'grant')}.`,
  ]);
}

function changedOrNot(client_id: string, changed: boolean, said: { done: string; before: string }): Reply {
  return yes({ client_id, changed }, [
    changed ? `${said.done} ${client_id}.` : `${client_id} ${said.before}.`,
  ]);
}

function noApp(): Reply {
  return no({ field: '--client-id', problem: 'is no app of ours. See `apps list`.' });
}

function notAccepted({ problems }: NotAccepted): Reply {
  return no(...problems.map(asTyped));
}

/** An app on the wire, as RFC 7591 section 3.2.1 names things; never a secret or its digest. */
function describe(client: Client, logo?: KeptLogo) {
  const { clientId: id, metadata, secrets, disabledAt, createdAt, updatedAt } = client;
  const secretsShown = secrets.map((secret) => ({
    ends_with: secret.hint || undefined,
    created_at: moment(secret.createdAt),
    expires_at: moment(secret.expiresAt),
  }));
  return {
    client_id: id,
    ...metadata,
    client_id_issued_at: Math.floor(createdAt / 1000),
    updated_at: moment(updatedAt),
    disabled_at: moment(disabledAt),
    removing_since: moment(client.removingSince),
    registered_by: client.origin,
    verified_at: moment(client.verifiedAt),
    secrets: secretsShown.length > 0 ? secretsShown : undefined,
    logo: describeLogo(logo),
  };
}
