import { z } from 'zod';
import { settingsSchema } from '../settings/schema.ts';
import { keptSecrets } from '../store/data-folder.ts';
import { openDatabase } from '../store/database.ts';
import { migrate as bringUpToDate } from '../store/migrate.ts';
import type { Reply } from './command.ts';
import { command, no, yes } from './command.ts';
import { examine } from './doctor.ts';
import { seed as bringSeed, type SeedReport } from './seed.ts';

/** The server itself: to start it, to prepare its stores, to look after it. */
const start = command({
  name: 'start',
  summary: 'Serve until stopped. Opens and migrates the stores first.',
  flags: {},
  async run(desk) {
    await desk.serve();
    return yes({}, []);
  },
});

const migrate = command({
  name: 'migrate',
  summary: 'Bring the records up to date. Safe to repeat, and while servers run.',
  flags: {},
  async run(desk) {
    const { DATABASE_URL, DATA_DIR, SECRETS_KEY, COOKIE_KEYS } = desk.settings();
    // Embedded records without the secrets beside them look like a lost secret to whoever comes next.
    if (!DATABASE_URL && !(SECRETS_KEY && COOKIE_KEYS)) keptSecrets(DATA_DIR);
    const db = await openDatabase({ url: DATABASE_URL, dataDir: DATA_DIR, patient: true });
    try {
      await bringUpToDate(db);
    } finally {
      await db.destroy();
    }
    return yes({ migrated: true }, ['The records are up to date.']);
  },
});

const seed = command({
  name: 'seed',
  summary: 'Bring accounts and apps to what a YAML or JSON file says. Safe to repeat.',
  word: 'file',
  flags: {
    file: z.string().meta({ description: 'The file; - is standard input. May stand without the flag.' }),
  },
  async run(desk, { file }) {
    const text = await desk.readText(file);
    const seeded = await bringSeed(await desk.services(), text);
    if (!seeded.ok) return no(...seeded.problems);
    const { report, notes, notBrought } = seeded;
    return {
      ok: true,
      data: { ...report, ...(notBrought.length > 0 ? { problems: notBrought } : {}) },
      lines: reportLines(report),
      notes: [...notes, ...notBrought.map(({ field, problem }) => `${field} ${problem}`)],
      failed: notBrought.length > 0,
    };
  },
});

function reportLines({ accounts, apps }: SeedReport): string[] {
  return [
    ...accounts.map((one) => `account ${one.account}: ${one.result}`),
    ...apps.map(
      (one) =>
        `app ${one.client_id}: ${one.result}${one.client_secret ? `, client_secret ${one.client_secret} (shown this once)` : ''}`,
    ),
  ];
}

const settings = command({
  name: 'settings',
  summary: 'Print what each setting means and its default.',
  flags: {},
  async run() {
    const shown = Object.entries(settingsSchema.shape).map(([name, schema]) => {
      const unset = schema.safeParse(undefined);
      const value = unset.success ? unset.data : undefined;
      const usual =
        typeof value === 'boolean' ? (value ? 'on' : 'off') : Array.isArray(value) ? value.join(',') : value;
      return {
        name,
        default: usual === undefined || usual === '' ? undefined : String(usual),
        description: schema.meta()?.description ?? '',
      };
    });
    return yes(
      shown,
      shown.flatMap((one) => [
        `${one.name}${one.default === undefined ? '' : ` (default ${one.default})`}`,
        `    ${one.description}`,
      ]),
    );
  },
});

const doctor = command({
  name: 'doctor',
  summary:
    'Look for what is wrong with the settings, stores, issuer, proxy, cookies, clock and mail; says what to do.',
  flags: {},
  async run(desk): Promise<Reply> {
    const findings = await examine(desk.environment);
    const lines = findings.flatMap(({ verdict, about, finding, advice }) => [
      `${verdict.padEnd(4)}  ${about.padEnd(10)}  ${finding}`,
      ...(advice ? [`                  -> ${advice}`] : []),
    ]);
    return { ok: true, data: findings, lines, failed: findings.some(({ verdict }) => verdict === 'FAIL') };
  },
});

export const serverCommands = [start, migrate, seed, settings, doctor];
