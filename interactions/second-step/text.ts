import { z } from 'zod';
import { codeField } from '../../src/web/form.ts';
import type { SecondStepPart } from './kinds.ts';

export const textPart: SecondStepPart = {
  icon: 'mail',
  form: z.object({ code: codeField({ required: 'second-step.text.missing' }) }),
  lead: (words, { method }) => words.t('second-step.text.lead', { number: method.name }),
  ask: (words, { problem }) => ({
    part: 'code-field',
    members: { label: words.t('second-step.code'), problem, autofocus: true },
  }),
  about: (words, { name }) => words.t('second-step.about.text', { name }),
  wrong: 'second-step.text.wrong',
  again: { label: 'second-step.text.again', done: 'second-step.text.sent_again' },
};
