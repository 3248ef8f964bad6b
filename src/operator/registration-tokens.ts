import { z } from 'zod';
import { listRegistrationTokens } from '../../clients/registry/registration-tokens.ts';
import { makeRegistrationToken, revokeRegistrationToken } from '../actions/registration-tokens.ts';
import { days } from '../kit/durations.ts';
import { command, duration, no, yes } from './command.ts';
import { members, moment, table } from './lines.ts';

/** The tokens with which apps can register themselves while DYNAMIC_REGISTRATION is token. */
const create = command({
  name: 'registration-tokens create',
  summary: 'Make a token with which apps can register themselves. It is shown this once.',
  flags: {
    note: z.string().max(200).default('').meta({ description: 'What it is for, for the list.' }),
    uses: z.coerce
      .number('must be a number')
      .int()
      .min(1)
      .max(10_000)
      .default(1)
      .meta({ description: 'How many apps can register with it. Default 1.' }),
    lifetime: duration
      .default(7 * days)
      .meta({ description: 'How long it is good: 90s, 15m, 24h, 7d. Default 7d.' }),
  },
  async run(desk, { note, uses, lifetime }) {
    const made = await makeRegistrationToken(await desk.services(), { note, uses, lifetimeMs: lifetime });
    const shown = {
      id: made.id,
      initial_access_token: made.text,
      uses_left: made.usesLeft,
      expires_at: moment(made.expiresAt),
    };
    return yes(shown, ['Keep the token now: it is not shown again.', ...members(shown)]);
  },
});

const list = command({
  name: 'registration-tokens list',
  summary: 'List the tokens that are good still.',
  flags: {},
  async run(desk) {
    const tokens = await listRegistrationTokens(await desk.services());
    const shown = tokens.map((token) => ({
      id: token.id,
      note: token.note,
      uses_left: token.usesLeft,
      expires_at: moment(token.expiresAt),
    }));
    const rows = shown.map(({ id, note, uses_left, expires_at }) => [
      id,
      note,
      String(uses_left),
      expires_at,
    ]);
    return yes(shown, table(['id', 'note', 'uses left', 'expires'], rows));
  },
});

const revoke = command({
  name: 'registration-tokens revoke',
  summary: 'Take a token back. Apps that registered with it stay.',
  word: 'id',
  flags: { id: z.string().meta({ description: 'Its id from the list. May stand without the flag.' }) },
  async run(desk, { id }) {
    const removed = await revokeRegistrationToken(await desk.services(), id);
    if (!removed) return no({ field: '--id', problem: 'is no token. See `registration-tokens list`.' });
    return yes({ id }, [`Took back ${id}.`]);
  },
});

export const registrationTokenCommands = [create, list, revoke];
