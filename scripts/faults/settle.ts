import { setTimeout as sleep } from 'node:timers/promises';
import { basicOf, benchRedirectUri, offlineApp } from '../bench/apps.ts';
import { byEight } from './by-eight.ts';
import { askPath, type Family, verifier } from './crowd.ts';
import { hashOf, now } from './ledger.ts';
import { codeIn, mustBeSignedOut, visit } from './operations.ts';
import type { Stage } from './stage.ts';
import { introspect, refresh } from './tokens.ts';

/**
 * After the fault everything that was acknowledged is asked for once more, at every node: what was given is there (I3), what
 * was ended is gone and what was spent stays spent (I1, I4). Spent things are shown last, for that is real reuse, and the
 * alarm it sets off is right.
 */
const graceMs = 11_000;
const mostReplays = 40;

/** `patient`: waits until refresh tokens may no longer be repeated, to show those too. */
export async function settle(stage: Stage, { patient = true } = {}): Promise<void> {
  const { crowd } = stage;
  await byEight(
    crowd.families.filter(({ state }) => state === 'live'),
    (family, place) => mustBeLive(stage, family, place),
  );
  await byEight(
    crowd.families.filter(({ state }) => state === 'revoked'),
    (family) => mustBeDead(stage, family),
  );
  await byEight(crowd.members, (member, place) => mustBeSignedIn(stage, member, place));
  await byEight(crowd.ended, async (ended) => {
    for (const node of stage.bed.nodes) await mustBeSignedOut(stage, ended, node);
  });
  await byEight(
    crowd.families.filter(({ state }) => state === 'live'),
    async (family) => void (await refresh(stage, family)),
  );
  await showSpent(stage, { patient });
}

function nodeFor({ bed }: Stage, place: number) {
  return bed.nodes[place % bed.nodes.length] as (typeof bed.nodes)[number];
}

/** A 503 says nothing about what is kept: asked again, half a minute long, for a machine that is busy takes its time to heal. */
const mostTries = 30;

/** Undefined when nobody could be asked. That is a finding too, and no loss. */
async function said<Answer extends { status: number }>(
  { findings }: Stage,
  ask: () => Promise<Answer>,
): Promise<Answer | undefined> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const answer = await ask();
    if (answer.status === 0) break;
    if (answer.status !== 503) return answer;
    await sleep(1000);
  }
  findings.add('I7', 'nobody could say after the fault whether it is kept');
  return undefined;
}

async function mustBeLive(stage: Stage, family: Family, place: number): Promise<void> {
  const { port } = nodeFor(stage, place);
  const told = await said(stage, () => introspect(stage, family, { port, probe: true }));
  if (!told || (told.status === 200 && told.active === true)) return;
  const { status, active } = told;
  family.state = 'lost';
  stage.findings.add(
    'I3',
    'an access token that was given is gone after the fault',
    `${family.member.name} ${family.grant}: ${status} ${active}`,
  );
}

async function mustBeDead(stage: Stage, family: Family): Promise<void> {
  for (const { port, name } of stage.bed.nodes) {
    const { active } = await introspect(stage, family, { port, probe: true });
    if (active === true)
      stage.findings.add('I4', 'a token that was revoked came back', `${family.grant} on ${name}`);
  }
}

async function mustBeSignedIn(
  stage: Stage,
  member: Stage['crowd']['members'][number],
  place: number,
): Promise<void> {
  const { port } = nodeFor(stage, place);
  const asked = { path: askPath({ prompt: 'none' }), headers: { cookie: member.cookie }, port };
  const reply = await said(stage, () => visit(stage, member, 'probe', asked));
  if (reply && !codeIn(reply))
    stage.findings.add(
      'I3',
      'a session is gone after the fault',
      `${member.name}: ${reply.status} ${reply.headers.location ?? ''}`,
    );
}

async function showSpent(stage: Stage, { patient }: { patient: boolean }): Promise<void> {
  const { crowd } = stage;
  // A replay ends a grant and all that hangs on it: one half of the people show codes, the other refresh tokens.
  const shownCodes = crowd.spentCodes.filter(({ member }) => member.number % 2 === 0).slice(-mostReplays);
  const rotated = crowd.families.filter(({ member, spent }) => spent && member.number % 2 === 1);
  const families = patient ? rotated.slice(0, mostReplays) : [];
  const newest = Math.max(0, ...families.map(({ spent }) => spent?.at ?? 0));
  if (patient) await sleep(Math.max(0, newest + graceMs - now()));
  await byEight(shownCodes, ({ member, code, grant }) =>
    mustBeRefused(
      stage,
      { who: member.name, grant, artefact: hashOf(code), address: member.address },
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: benchRedirectUri,
        code_verifier: verifier,
      },
    ),
  );
  await byEight(families, ({ member, grant, spent }) =>
    mustBeRefused(
      stage,
      { who: member.name, grant, artefact: hashOf(String(spent?.token)), address: member.address },
      { grant_type: 'refresh_token', refresh_token: String(spent?.token) },
    ),
  );
}

async function mustBeRefused(
  stage: Stage,
  { address, ...intent }: { who: string; grant: string; artefact: string; address: string },
  form: Record<string, string>,
): Promise<void> {
  const headers = { ...basicOf(offlineApp), 'x-forwarded-for': address };
  const ask = () => stage.asker.ask({ kind: 'replay', ...intent }, { path: '/token', headers, form });
  const told = await said(stage, ask);
  if (told && told.status !== 400)
    stage.findings.add(
      'I1',
      `a spent ${form['grant_type']} was not refused`,
      `${intent.grant}: ${told.status} ${told.text.slice(0, 100)}`,
    );
}
