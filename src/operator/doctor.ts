import type { Settings } from '../settings.ts';
import { readSettings, SettingsProblem } from '../settings.ts';
import { examineClock } from './doctor/clock.ts';
import type { Finding } from './doctor/finding.ts';
import { examineFolder } from './doctor/folder.ts';
import { examineIssuer } from './doctor/issuer.ts';
import { examineMail } from './doctor/mail.ts';
import { examineSecrets } from './doctor/secrets.ts';
import { examineLive, examineRecords } from './doctor/stores.ts';

/**
 * What `latchkey doctor` looks at, from the machine that it runs on, with the settings that a server would have. It only
 * reads: no table is made, no message sent. Each examination is on its own, so that one that fails hides none.
 */
export async function examine(environment: Record<string, string | undefined>): Promise<Finding[]> {
  const read = examineSettings(environment);
  if (!read.settings) return read.findings;
  const { settings } = read;
  const examined = await Promise.all(
    [
      examineFolder,
      examineSecrets,
      examineRecords,
      examineLive,
      examineIssuer,
      examineClock,
      examineMail,
    ].map((look) => look(settings).catch((error: unknown): Finding[] => [unforeseen(look.name, error)])),
  );
  return [...read.findings, ...examined.flat()];
}

function examineSettings(environment: Record<string, string | undefined>): {
  settings?: Settings;
  findings: Finding[];
} {
  try {
    const settings = readSettings(environment);
    return {
      settings,
      findings: [
        { verdict: 'OK', about: 'settings', finding: 'are complete and agree with each other' },
        ...weakSecrets(settings),
        ...openProfile(settings),
      ],
    };
  } catch (error) {
    if (!(error instanceof SettingsProblem)) throw error;
    const advice = 'correct it; `latchkey settings` says what each setting means';
    return {
      findings: error.problems.map((finding) => ({ verdict: 'FAIL', about: 'settings', finding, advice })),
    };
  }
}

/** Their lengths are checked with the settings; what is left are secrets that are long and no secret. */
function weakSecrets(settings: Settings): Finding[] {
  const secrets = {
    SECRETS_KEY: settings.SECRETS_KEY ?? [],
    COOKIE_KEYS: settings.COOKIE_KEYS ?? [],
    PASSWORD_PEPPER: settings.PASSWORD_PEPPER ?? [],
  };
  const all = Object.values(secrets).flat();
  const weak = Object.entries(secrets).flatMap(([name, keys]): Finding[] =>
    keys.some((key) => new Set(key).size < 12)
      ? [
          {
            verdict: 'FAIL',
            about: 'settings',
            finding: `${name} is not random`,
            advice: 'make one with `openssl rand 32 | basenc --base64url`',
          },
        ]
      : [],
  );
  if (new Set(all).size < all.length)
    weak.push({
      verdict: 'FAIL',
      about: 'settings',
      finding: 'one secret is used twice',
      advice: 'give each of SECRETS_KEY, COOKIE_KEYS and PASSWORD_PEPPER a value of its own',
    });
  return weak;
}

function openProfile({ conformance }: Settings): Finding[] {
  if (!conformance) return [];
  return [
    {
      verdict: 'WARN',
      about: 'settings',
      finding: 'PROFILE is conformance: anybody may register apps, and old flows are allowed',
      advice: 'unset PROFILE where there are people; it is for runs of the test suite only',
    },
  ];
}

function unforeseen(name: string, error: unknown): Finding {
  const about = name.replace('examine', '').toLowerCase();
  return { verdict: 'FAIL', about, finding: `could not be examined: ${(error as Error).message}` };
}
