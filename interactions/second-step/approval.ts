import { z } from 'zod';
import { optionalTextField } from '../../src/web/form.ts';
import type { SecondStepPart } from './kinds.ts';

/** Shows the number to type on the other device. A script goes on by itself when it was; the button does so without one. */
export const approvalPart: SecondStepPart = {
  icon: 'device',
  form: z.object({ approval: optionalTextField({ most: 10 }) }),
  lead: (words, { brand }) => words.t('second-step.approval.lead', { brand }),
  ask: (_words, { kept, problem, look }) => ({
    part: 'approval-wait',
    members: { number: typeof kept['number'] === 'string' ? kept['number'] : undefined, problem, look },
  }),
  about: (words) => words.t('second-step.about.approval'),
  wrong: 'second-step.approval.expired',
  expired: 'second-step.approval.expired',
  tooOften: 'second-step.approval.too_often',
  submit: 'second-step.approval.submit',
  looksAt: 'second-step/elsewhere',
  again: { label: 'second-step.approval.again', done: 'second-step.approval.asked_again' },
  manage: '/account/two-step/approvals',
  scripts: ['approval.js'],
};
