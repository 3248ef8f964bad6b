import type { z } from 'zod';
import type { Kept, KindName, SecondStepMethod } from '../../src/actions/second-step-kinds.ts';
import type { Sentence, Translator } from '../../src/web/words.ts';
import { approvalPart } from './approval.ts';
import { backupCodePart } from './backup-code.ts';
import { passkeyPart } from './passkey.ts';
import { textPart } from './text.ts';
import { totpPart } from './totp.ts';

/**
 * How each kind of second step looks: its row of a list, and its part of the two pages that ask for it (second-step.ts when
 * somebody signs in, account/confirm.ts when something sensitive is changed). What it does is in src/actions.
 */
export type SecondStepPart = {
  /** Of shared/parts/icon.ejs. */
  icon: string;
  /** The form's fields; the first is the one that a wrong answer is told beside. */
  form: z.ZodObject;
  /** A sentence for each page that asks. */
  lead(words: Translator, shown: { method: SecondStepMethod; brand: string }): string;
  /** The part of shared/parts that asks, and its members. */
  ask(
    words: Translator,
    shown: { method: SecondStepMethod; kept: Kept; problem: Sentence | undefined; look?: string | undefined },
  ): { part: string; members: object };
  /** What it says of the method in a list, under the kind's name. */
  about(words: Translator, method: SecondStepMethod): string;
  wrong: Sentence;
  /** Where it is not the usual sentence. */
  expired?: Sentence;
  submit?: Sentence;
  /** When it was asked for too often. */
  tooOften?: Sentence;
  /** Under the address of the step: where its script asks how things stand. Without something that waits there is nothing to send. */
  looksAt?: string;
  /** The button that begins anew, and what is said when that was done. */
  again?: { label: Sentence; done: Sentence };
  /** The account's own page for this kind, where such methods are named and removed. */
  manage?: string;
  /** More of our scripts, by asset name. */
  scripts?: readonly string[];
};

const table: Record<KindName, SecondStepPart> = {
  totp: totpPart,
  passkey: passkeyPart,
  approval: approvalPart,
  text: textPart,
  backup_code: backupCodePart,
};

export function secondStepPart(kind: KindName): SecondStepPart {
  return table[kind];
}
