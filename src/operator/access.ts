import { z } from 'zod';
import { findClient } from '../../clients/registry/registry.ts';
import { endAccountSessions } from '../actions/end-account-sessions.ts';
import { withdrawConsent } from '../actions/withdraw-consent.ts';
import { listConsents } from '../consents/consent.ts';
import { listGrants } from '../oidc/grants.ts';
import { listSessions } from '../oidc/sessions.ts';
import type { Services } from '../services.ts';
import { command, no, yes } from './command.ts';
import { accountFlags, withAccount } from './find-account.ts';
import { counted, moment, table } from './lines.ts';

/** What people have open: their sessions, and the access that apps have to their accounts. */
const listSessionsOf = command({
  name: 'sessions list',
  summary: 'List the sessions of an account.',
  word: 'account',
  flags: accountFlags,
  async run(desk, flags) {
    const services = await desk.services();
    return withAccount(services, flags, async ({ id }) => {
      const sessions = await listSessions(services, id);
      const shown = sessions.map((session) => ({
        session: session.uid,
        started_at: moment(session.startedAt),
        last_seen_at: moment(session.lastSeenAt),
        expires_at: moment(session.expiresAt),
        ip: session.ip,
        user_agent: session.userAgent,
      }));
      return yes(
        shown,
        table(
          ['session', 'started', 'last seen', 'from', 'browser'],
          shown.map((one) => [
            one.session,
            one.started_at,
            one.last_seen_at,
            one.ip,
            one.user_agent.slice(0, 60),
          ]),
        ),
      );
    });
  },
});

const endSessionsOf = command({
  name: 'sessions end',
  summary: 'End one session of an account, or all of them with the tokens of its apps.',
  word: 'account',
  flags: {
    ...accountFlags,
    session: z.string().optional().meta({ description: 'The session to end, as `sessions list` names it.' }),
    all: z.boolean().default(false).meta({ description: 'All sessions, and all tokens of apps.' }),
  },
  async run(desk, { session, all, ...flags }) {
    if (all === (session !== undefined)) return no('Say which: --session and its name, or --all.');
    const services = await desk.services();
    return withAccount(services, flags, async ({ id: accountId }) => {
      const ended = await endAccountSessions(services, { accountId, uid: session });
      if (!ended.ok)
        return no({ field: '--session', problem: 'is no session of this account. See `sessions list`.' });
      const { sessions, grants } = ended;
      return yes({ account_id: accountId, sessions_ended: sessions, grants_revoked: grants }, [
        `Ended ${counted(sessions, 'session')}, revoked ${counted(grants, 'grant')}.`,
      ]);
    });
  },
});

const listGrantsOf = command({
  name: 'grants list',
  summary: 'List the apps that have access to an account.',
  word: 'account',
  flags: accountFlags,
  async run(desk, flags) {
    const services = await desk.services();
    return withAccount(services, flags, async ({ id }) => {
      const shown = await accessOf(services, id);
      return yes(
        shown,
        table(
          ['client_id', 'app', 'may see', 'since', 'last used', 'open grants'],
          shown.map((one) => [
            one.client_id,
            one.client_name,
            one.scopes.join(' '),
            one.since,
            one.last_used_at,
            one.open_grants,
          ]),
        ),
      );
    });
  },
});

const revokeGrantsOf = command({
  name: 'grants revoke',
  summary: "Take back an app's access to an account, as its person could: consent and tokens, at once.",
  word: 'account',
  flags: {
    ...accountFlags,
    clientId: z.string().optional().meta({ description: 'The app that loses its access.' }),
    all: z.boolean().default(false).meta({ description: 'Every app.' }),
  },
  async run(desk, { clientId, all, ...flags }) {
    if (all === (clientId !== undefined)) return no('Say which: --client-id and an app, or --all.');
    const services = await desk.services();
    return withAccount(services, flags, async ({ id: accountId }) => {
      const apps = clientId ? [clientId] : (await accessOf(services, accountId)).map((one) => one.client_id);
      const revoked: string[] = [];
      for (const app of apps) {
        const withdrawn = await withdrawConsent(services, { accountId, clientId: app, actor: 'operator' });
        if (withdrawn.ok) revoked.push(app);
      }
      if (clientId && revoked.length === 0)
        return no({ field: '--client-id', problem: 'has no access to this account.' });
      return yes({ account_id: accountId, revoked }, [
        `Took back the access of ${counted(revoked.length, 'app')}.`,
      ]);
    });
  },
});

export const sessionCommands = [listSessionsOf, endSessionsOf];
export const grantCommands = [listGrantsOf, revokeGrantsOf];

/** Consents are what people decided; grants what is open now. First-party apps have grants without consents. */
async function accessOf(services: Services, accountId: string) {
  const consents = await listConsents(services, accountId);
  const grants = await listGrants(services, accountId);
  const ids = new Set([...consents.map((one) => one.clientId), ...grants.map((one) => one.clientId)]);
  return Promise.all(
    [...ids].map(async (clientId) => {
      const consent = consents.find((one) => one.clientId === clientId);
      return {
        client_id: clientId,
        client_name: (await findClient(services, clientId))?.metadata.client_name ?? clientId,
        scopes: consent?.allowed ?? [],
        declined_scopes: consent?.declined ?? [],
        since: moment(consent?.firstAllowedAt),
        last_used_at: moment(consent?.lastUsedAt),
        open_grants: grants.filter((one) => one.clientId === clientId).length,
      };
    }),
  );
}
