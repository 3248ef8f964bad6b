import { z } from 'zod';
import { textField } from '../../src/web/form.ts';
import type { SecondStepPart } from './kinds.ts';

export const backupCodePart: SecondStepPart = {
  icon: 'key',
  form: z.object({ code: textField({ most: 60, required: 'second-step.backup_code.missing' }) }),
  lead: (words) => words.t('second-step.backup_code.lead'),
  ask: (words, { problem }) => ({
    part: 'text-field',
    members: {
      name: 'code',
      label: words.t('second-step.backup_code.label'),
      problem,
      autocomplete: 'off',
      autofocus: true,
    },
  }),
  about: (words, { left = 0 }) => words.t('second-step.about.backup_code', { left }),
  wrong: 'second-step.backup_code.wrong',
};
