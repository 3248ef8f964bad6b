import { z } from 'zod';
import { type Asking, type ConfirmRefusal, confirmName } from '../../src/actions/confirm-identity.ts';
import { type Problems, passwordField } from '../../src/web/form.ts';
import type { Translator } from '../../src/web/words.ts';
import { secondStepPart } from '../second-step/kinds.ts';

/** How the fresh proof asks for each method: as the second step does, and for a password in its own way. */
export type Ask = {
  scripts: readonly string[];
  view: {
    lead: string;
    /** The part of shared/parts that asks; undefined while nothing was sent yet. */
    ask: { part: string; members: object } | undefined;
    /** The button that sends, for the first time or again. */
    send: { label: string; value: string } | undefined;
    notice: string | undefined;
  };
};

const passwordForm = z.object({ password: passwordField({ required: 'confirm.password.missing' }) });

export function formOf({ method }: Asking): z.ZodObject {
  return method.kind === 'password' ? passwordForm : secondStepPart(method.kind).form;
}

export function askFor(
  words: Translator,
  { asking, problems, brand }: { asking: Asking; problems: Problems; brand: string },
): Ask {
  const { method, kept, toBegin, sentAgain, trouble } = asking;
  const value = confirmName(method);
  if (method.kind === 'password') {
    const members = {
      name: 'password',
      label: words.t('confirm.password'),
      problem: problems['password'],
      autocomplete: 'current-password',
      autofocus: true,
    };
    const ask = { part: 'password-field', members };
    return { scripts: [], view: { lead: words.t('confirm.lead'), ask, send: undefined, notice: undefined } };
  }
  const part = secondStepPart(method.kind);
  const field = fieldOf(asking);
  const toSend = { label: words.t('confirm.send'), value };
  if (toBegin || trouble) {
    const lead = words.t('confirm.text.lead', { number: method.name });
    return { scripts: [], view: { lead, ask: undefined, send: toSend, notice: undefined } };
  }
  return {
    scripts: part.scripts ?? [],
    view: {
      lead: part.lead(words, { method, brand }),
      ask: part.ask(words, { method, kept, problem: problems[field] }),
      send: part.again && { label: words.t(part.again.label), value },
      notice: sentAgain && part.again ? words.t(part.again.done) : undefined,
    },
  };
}

export function wrongOf(asking: Asking, reason: Exclude<ConfirmRefusal, 'used_up'>): Problems {
  const field = fieldOf(asking);
  if (reason === 'off') return { form: 'confirm.off' };
  if (asking.method.kind === 'password') return { [field]: 'confirm.password.wrong' };
  return { [field]: reason === 'expired' ? 'second-step.expired' : secondStepPart(asking.method.kind).wrong };
}

function fieldOf(asking: Asking): string {
  return Object.keys(formOf(asking).shape)[0] ?? 'code';
}
