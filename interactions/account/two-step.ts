import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import { passkeysWork } from '../../src/actions/ask-passkey.ts';
import { preferSecondStep } from '../../src/actions/prefer-second-step.ts';
import type { SecondStepMethod } from '../../src/actions/second-step-kinds.ts';
import { methodName, twoStepOf } from '../../src/actions/second-step-methods.ts';
import { mayText } from '../../src/actions/second-step-text.ts';
import { turnOffTwoStep } from '../../src/actions/turn-off-two-step.ts';
import { turnOnByPasskey } from '../../src/actions/turn-on-two-step.ts';
import { findBackupCodes } from '../../src/credentials/backup-codes.ts';
import { listTrustedDevices } from '../../src/credentials/trusted-devices.ts';
import { findTwoStep } from '../../src/credentials/two-step.ts';
import type { App } from '../../src/services.ts';
import { readForm, textField } from '../../src/web/form.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import type { Translator } from '../../src/web/words.ts';
import { secondStepPart } from '../second-step/kinds.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { provedLately, signedIn } from './signed-in.ts';
import { withAgo, withDate } from './with-time.ts';

const preferForm = z.object({ method: textField({ most: 100 }) });

/**
 * Two-step verification: whether it is on, the methods of the account, which is asked first, and turning it off. Each way to add
 * a method is a page of its own (two-step-totp.ts, two-step-text.ts, two-step-codes.ts), removing one is two-step-remove.ts.
 */
export function twoStepPages(app: App): Router {
  const router = new Router();

  router.get(
    places['two-step'],
    signedIn(app, 'two-step', async (ctx, { account }) => {
      const title = ctx.state.words.t('two-step.title');
      const view = await overviewOf(app, ctx, account.id);
      await showAccountPage(ctx, { template: 'two-step', account, under: 'two-step', title, view });
    }),
  );

  router.post(
    `${places['two-step']}/prefer`,
    provedLately(app, 'two-step', async (ctx, { account, session }) => {
      const form = await readForm(ctx, preferForm);
      const method = form.ok ? form.fields.method : '';
      const { words, source } = ctx.state;
      const who = { accountId: account.id, sessionUid: session.uid, locale: words.locale };
      const preferred = await preferSecondStep(app, { ...who, method }, source);
      if (!preferred.ok) throw notFound();
      seeOther(ctx, afterDoing('two-step', 'method_preferred'));
    }),
  );

  router.get(
    places['two-step-off'],
    provedLately(app, 'two-step-off', async (ctx, { account }) => {
      const title = ctx.state.words.t('two-step.off.title');
      const view = { action: places['two-step-off'], back: places['two-step'] };
      await showAccountPage(ctx, { template: 'two-step-off', account, under: 'two-step', title, view });
    }),
  );

  router.post(
    places['two-step-off'],
    provedLately(app, 'two-step-off', async (ctx, { account, session }) => {
      const { words, source } = ctx.state;
      const who = { accountId: account.id, sessionUid: session.uid, locale: words.locale };
      await turnOffTwoStep(app, who, source);
      seeOther(ctx, afterDoing('two-step', 'two_step_off'));
    }),
  );

  // For who has passkeys and wants one asked after the password too; other methods turn it on when they are added.
  router.post(
    `${places['two-step']}/on`,
    provedLately(app, 'two-step', async (ctx, { account, session }) => {
      const { words, source } = ctx.state;
      const who = { accountId: account.id, sessionUid: session.uid, locale: words.locale };
      const turnedOn = await turnOnByPasskey(app, who, source);
      if (!turnedOn.ok) throw notFound();
      seeOther(ctx, afterDoing('two-step', 'two_step_on'));
    }),
  );
  return router;
}

async function overviewOf(app: App, ctx: RouterContext, accountId: string) {
  const { words } = ctx.state;
  const [{ on, methods, onlyOne }, codes, devices, { approvalsAt }] = await Promise.all([
    twoStepOf(app, accountId),
    findBackupCodes(app, accountId),
    listTrustedDevices(app, accountId),
    findTwoStep(app, accountId),
  ]);
  const own = methods.filter(({ kind }) => kind !== 'backup_code');
  return {
    on,
    onlyOne,
    methods: own.map((method, at) => listed(words, method, { on, first: at === 0, more: own.length > 1 })),
    prefer: `${places['two-step']}/prefer`,
    turnOn: !on && own.some(({ kind }) => kind === 'passkey') ? `${places['two-step']}/on` : undefined,
    turnOff: on ? places['two-step-off'] : undefined,
    add: {
      totp: places['two-step-new'],
      passkey: passkeysWork(app) ? places.passkeys : undefined,
      text: mayText(app.settings) ? places['two-step-text'] : undefined,
    },
    codes: on ? { page: places['two-step-codes'], left: codes?.left } : undefined,
    approvals:
      on && app.settings.APPROVALS
        ? { page: places['two-step-approvals'], on: approvalsAt !== null }
        : undefined,
    devices: on ? { page: places.devices, count: devices.length } : undefined,
  };
}

function listed(
  words: Translator,
  method: SecondStepMethod,
  { on, first, more }: { on: boolean; first: boolean; more: boolean },
) {
  const { kind, addedAt, lastUsedAt } = method;
  const { icon, manage } = secondStepPart(kind);
  const name = method.name || words.t(`second-step.kind.${kind}`);
  return {
    icon,
    name,
    kind: words.t(`second-step.kind.${kind}`),
    weak: method.weak === true,
    first: on && first && more,
    value: on && more && !first ? methodName(method) : undefined,
    askFirst: words.t('two-step.ask_first_named', { name }),
    added: withDate(words, 'two-step.added', addedAt),
    used: lastUsedAt === undefined ? undefined : withAgo(words, 'two-step.used', lastUsedAt),
    removal: manage ?? `${places['two-step-remove']}?${new URLSearchParams({ method: methodName(method) })}`,
    manages: manage !== undefined,
    removeLabel: words.t(manage ? 'two-step.manage_named' : 'two-step.remove_named', { name }),
  };
}
