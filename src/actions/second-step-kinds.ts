import type { TwoStepState } from '../credentials/two-step.ts';
import type { Outcome } from '../kit/outcome.ts';
import type { Limited } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { Database } from '../store/tables.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { approvalKind } from './second-step-approval.ts';
import { backupCodeKind } from './second-step-backup-code.ts';
import { passkeyKind } from './second-step-passkey.ts';
import { textKind } from './second-step-text.ts';
import { totpKind } from './second-step-totp.ts';

/**
 * The kinds of second step. Each is one file of the same shape (list, begin, check, remove) and one row of the table below,
 * strongest first; its part of a page is one file and one row in interactions/second-step. E-mail is no kind: whoever reads the
 * mailbox can reset the password, and that would be one factor twice.
 */
export type KindName = 'totp' | 'passkey' | 'text' | 'backup_code' | 'approval';

/** One thing of an account that can prove a second step. */
export type SecondStepMethod = {
  kind: KindName;
  id: string;
  /** What its owner called it; for a number its last digits, for backup codes nothing. */
  name: string;
  addedAt: number;
  lastUsedAt: number | undefined;
  /** Asked first. */
  preferred: boolean;
  /** Easier to steal than the others; never enough where a stronger one is there and something sensitive is changed. */
  weak?: true;
  /** Of backup codes: how many are left. */
  left?: number;
  /** Of a number: its address in E.164, for us; pages show the name. */
  address?: string;
  /** Of an approval: the uids of the sessions that may give it. */
  approvers?: readonly string[];
};
type ListedMethod = Omit<SecondStepMethod, 'kind' | 'preferred'>;

export type KindContext = Pick<
  Services,
  'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings' | 'hashQueue'
>;

/** What a step is asked for: a sign-in, or a fresh proof of somebody who is signed in. No answer to one is good for the other. */
export type Occasion = {
  purpose: 'second_step' | 'step_up';
  /** The interaction's uid or the session's: an answer is good in the one in which it was asked for (misuse case MF-07). */
  boundTo: string;
  locale: Locale;
  from: RequestSource;
  /** The app that is signed in to, as its name is shown; missing for our own pages. */
  app?: string | undefined;
  /** The session of whoever is signed in on this browser. */
  ownSession?: string | undefined;
};

/** What a kind keeps between asking and checking (the id of a code that was sent, a challenge), sealed with the progress. */
export type Kept = Record<string, unknown>;
export type Asked = { accountId: string; method: SecondStepMethod; occasion: Occasion };

export type CheckRefusal = 'not_enrolled' | 'wrong_code' | 'code_already_used' | 'expired';
type Proof = {
  /** RFC 8176, without `mfa`. */
  amr: string[];
};

export type Readiness = 'ready' | 'waiting' | 'refused' | 'expired';

export type SecondStepKind = {
  kind: KindName;
  /** Signing in asks for a second step as soon as an account has one of these. */
  turnsOn: boolean;
  /** Whether it is of use by itself; backup codes only stand behind another. */
  standsAlone: boolean;
  /** The oldest first. */
  list(ctx: KindContext, accountId: string, state: Promise<TwoStepState>): Promise<ListedMethod[]>;
  /** Sends or makes what the person answers to. Without it there is nothing to do before they do. */
  begin?(
    ctx: KindContext,
    asked: Asked,
  ): Promise<Outcome<{ kept: Kept }, 'start_over' | 'unavailable'> | Limited>;
  /** For what is answered elsewhere: whether there is an answer to check. Looking counts as no try. */
  ready?(ctx: KindContext, asked: Asked & { kept: Kept }): Promise<Readiness>;
  /** Checks the form's fields and uses up what is good once. */
  check(
    ctx: KindContext,
    asked: Asked & { kept: Kept; answer: Record<string, string> },
  ): Promise<Outcome<Proof, CheckRefusal>>;
  /** The person chose another way: what was begun is void. */
  leave?(ctx: KindContext, begun: Pick<Asked, 'accountId'> & { kept: Kept }): Promise<void>;
  /** Takes it off the account, within `changeTwoStep`; answers whether the account had it. */
  remove(tx: Database, method: { accountId: string; id: string }): Promise<boolean>;
  /** Takes all of them off, when the second step is turned off; for kinds that turn it on, and those that stand behind. */
  removeAll?(tx: Database, accountId: string): Promise<void>;
};

const table: readonly SecondStepKind[] = [passkeyKind, totpKind, approvalKind, textKind, backupCodeKind];

export function secondStepKinds(): readonly SecondStepKind[] {
  return table;
}

export function kindNamed(name: KindName): SecondStepKind {
  const found = table.find(({ kind }) => kind === name);
  if (!found) throw new Error(`no second step of the kind ${name}`);
  return found;
}
