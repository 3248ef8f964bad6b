import { z } from 'zod';
import { retireKey } from '../actions/retire-key.ts';
import { rotateKeys } from '../actions/rotate-keys.ts';
import { algorithms, listKeys } from '../oidc/keys/signing-keys.ts';
import { command, no, yes } from './command.ts';
import { moment, table } from './lines.ts';

/** The keys that sign ID tokens. Running servers take up every change by themselves. */
const list = command({
  name: 'keys list',
  summary: 'List the signing keys: which signs, which is only published yet or still.',
  flags: {},
  async run(desk) {
    const keys = await listKeys(await desk.services());
    const shown = keys.map((key) => ({
      kid: key.kid,
      alg: key.alg,
      state: key.state,
      created_at: moment(key.createdAt),
      signs_from: moment(key.signsFrom),
      retire_at: moment(key.retireAt),
    }));
    const heading = ['kid', 'alg', 'state', 'made', 'signs from', 'gone at'];
    return yes(
      shown,
      table(
        heading,
        shown.map((key) => Object.values(key)),
      ),
    );
  },
});

const rotate = command({
  name: 'keys rotate',
  summary: 'Make new signing keys. They are published now and sign once apps have had time to see them.',
  flags: {
    alg: z
      .enum(algorithms)
      .optional()
      .meta({ description: 'Only this algorithm; the key of RS256 also signs PS256.' }),
    atOnce: z.boolean().default(false).meta({
      description:
        'Sign with them now: for a key that leaked. Apps that cache keys fail until they look again.',
    }),
  },
  async run(desk, { alg, atOnce }) {
    const { kids, signsFrom } = await rotateKeys(await desk.services(), { only: alg, atOnce });
    const shown = { kids, signs_from: moment(signsFrom) };
    return yes(shown, [`Made ${kids.join(', ')}; they sign from ${shown.signs_from}.`]);
  },
});

const retire = command({
  name: 'keys retire',
  summary: 'Take a key out at once: what it signed is no longer recognised.',
  word: 'kid',
  flags: {
    kid: z.string().meta({ description: 'The key. May stand without the flag.' }),
    now: z.boolean().default(false).meta({
      description:
        'Even the only one that signs for its algorithm: a new one signs at once. For a key that leaked.',
    }),
  },
  async run(desk, { kid, now }) {
    const retired = await retireKey(await desk.services(), { kid, replace: now });
    if (retired.ok) {
      const { replacement } = retired;
      if (!replacement) return yes({ kid }, [`Retired ${kid}.`]);
      return yes({ kid, replacement }, [`Retired ${kid}. ${replacement} signs from now on.`]);
    }
    if (retired.reason === 'unknown_key')
      return no({ field: '--kid', problem: 'is no key of ours. See `keys list`.' });
    return no({
      field: '--kid',
      problem:
        'is the only one that signs for its algorithm. Run `keys rotate --at-once` first, or add --now.',
    });
  },
});

export const keyCommands = [list, rotate, retire];
