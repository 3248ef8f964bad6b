import { tryRiskSince } from '../actions/risk.ts';
import { riskRules, riskSigns } from '../actions/risk-rules.ts';
import { days } from '../kit/durations.ts';
import { browserFamily } from '../web/browser-family.ts';
import { command, duration, wholeNumber, yes } from './command.ts';
import { counted, moment, table } from './lines.ts';

/** What the adaptive check would have asked: the rules over sign-ins that are in the audit record. Nothing is changed. */
const tryRisk = command({
  name: 'risk try',
  summary:
    'Show which past sign-ins the adaptive check would ask for a code today, and why. Changes nothing.',
  flags: {
    since: duration
      .default(30 * days)
      .meta({ description: 'How far back, such as 30d or 12h; default 30d.' }),
    limit: wholeNumber(1, 100_000)
      .default(5000)
      .meta({ description: 'Sign-ins to look at, the newest first; default 5000.' }),
  },
  async run(desk, { since, limit }) {
    const services = await desk.services();
    const { looked, asked } = await tryRiskSince(services, { since: services.clock.now() - since, limit });
    const data = {
      looked,
      asked: asked.map(({ at, accountId, ip, userAgent, signs }) => {
        return { at: new Date(at).toISOString(), account_id: accountId, ip, user_agent: userAgent, signs };
      }),
    };
    const rows = asked.map(({ at, accountId, ip, userAgent, signs }) => [
      moment(at),
      accountId,
      ip ?? undefined,
      browserFamily(userAgent),
      signs.join(', '),
    ]);
    const lines = [
      `${asked.length} of ${counted(looked, 'sign-in')} would be asked for a code.`,
      ...(rows.length > 0 ? table(['at', 'account', 'from', 'browser', 'signs'], rows) : []),
    ];
    const seen = riskSigns.filter((sign) => asked.some(({ signs }) => signs.includes(sign)));
    const notes = seen.map((sign) => `${sign}: ${riskRules[sign].why}`);
    if (!services.places.configured) notes.push('GEO_DATABASE is not set: no rule looked at places.');
    return yes(data, lines, notes);
  },
});

export const riskCommands = [tryRisk];
