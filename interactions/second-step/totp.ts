import { z } from 'zod';
import { codeField } from '../../src/web/form.ts';
import type { SecondStepPart } from './kinds.ts';

export const totpPart: SecondStepPart = {
  icon: 'phone',
  form: z.object({ code: codeField({ required: 'second-step.totp.missing' }) }),
  lead: (words, { brand }) => words.t('second-step.totp.lead', { brand }),
  ask: (words, { problem }) => ({
    part: 'code-field',
    members: { label: words.t('second-step.code'), problem, autofocus: true },
  }),
  about: (words, { name }) => words.t('second-step.about.totp', { name }),
  wrong: 'second-step.totp.wrong',
};
