import Router, { type RouterContext } from '@koa/router';
import { z } from 'zod';
import {
  removeTrustedDevice,
  removeTrustedDevices,
  renameTrustedDevice,
} from '../../src/actions/change-trusted-devices.ts';
import { listTrustedDevices, type TrustedDevice } from '../../src/credentials/trusted-devices.ts';
import type { App } from '../../src/services.ts';
import { optionalTextField, type Problems, readForm } from '../../src/web/form.ts';
import { notFound } from '../../src/web/problem.ts';
import { seeOther } from '../../src/web/see-other.ts';
import { dropDeviceToken, readDeviceTokens } from '../../src/web/trusted-device-cookies.ts';
import type { Translator } from '../../src/web/words.ts';
import { browserName } from './browser-name.ts';
import { places } from './places.ts';
import { afterDoing, showAccountPage } from './show-account-page.ts';
import { type SignedIn, signedIn } from './signed-in.ts';
import { withAgo, withDate } from './with-time.ts';

const renameForm = z.object({ name: optionalTextField({ most: 60 }) });

/** The browsers that may skip the second step of the account: what each is, its name, and taking one or all off. */
export function devicesPages(app: App): Router {
  const router = new Router();
  const rename = `${places.devices}/:id/rename`;

  router.get(
    places.devices,
    signedIn(app, 'devices', async (ctx, { account }) => {
      const { words } = ctx.state;
      const devices = await listTrustedDevices(app, account.id);
      const [mine, others] = [true, false].map((wanted) =>
        devices.filter(({ id }) => isHere(app, ctx, id) === wanted).map((one) => deviceLine(words, one)),
      );
      const view = { mine, others, removeAll: `${places.devices}/remove-all`, count: devices.length };
      const title = words.t('devices.title');
      await showAccountPage(ctx, { template: 'devices', account, under: 'two-step', title, view });
    }),
  );

  router.get(
    rename,
    signedIn(app, 'devices', async (ctx, who) => showRename(ctx, who, await named(app, ctx, who))),
  );

  router.post(
    rename,
    signedIn(app, 'devices', async (ctx, who) => {
      const device = await named(app, ctx, who);
      const form = await readForm(ctx, renameForm);
      if (!form.ok) return showRename(ctx, who, device, form.problems, form.typed['name']);
      const what = { ...idsOf(who), id: device.id, name: form.fields.name };
      const renamed = await renameTrustedDevice(app, what, ctx.state.source);
      if (!renamed.ok) throw notFound();
      seeOther(ctx, afterDoing('devices', 'device_renamed'));
    }),
  );

  router.post(
    `${places.devices}/:id/remove`,
    signedIn(app, 'devices', async (ctx, who) => {
      const id = ctx.params['id'] ?? '';
      const { words, source } = ctx.state;
      const removed = await removeTrustedDevice(app, { ...idsOf(who), id, locale: words.locale }, source);
      if (!removed.ok) throw notFound();
      if (isHere(app, ctx, id)) dropDeviceToken(app.settings, ctx, id);
      seeOther(ctx, afterDoing('devices', 'device_removed'));
    }),
  );

  router.post(
    `${places.devices}/remove-all`,
    signedIn(app, 'devices', async (ctx, { account }) => {
      const devices = await listTrustedDevices(app, account.id);
      const { words, source } = ctx.state;
      await removeTrustedDevices(app, { accountId: account.id, locale: words.locale }, source);
      for (const { id } of devices) if (isHere(app, ctx, id)) dropDeviceToken(app.settings, ctx, id);
      seeOther(ctx, afterDoing('devices', 'devices_removed'));
    }),
  );
  return router;
}

/** By the id in this browser's cookies; whether the secret is right is asked when somebody signs in. */
function isHere({ settings }: App, ctx: RouterContext, id: string): boolean {
  return readDeviceTokens(settings, ctx.get('cookie')).some((token) => token.startsWith(`${id}.`));
}

async function named(app: App, ctx: RouterContext, { account }: SignedIn): Promise<TrustedDevice> {
  const devices = await listTrustedDevices(app, account.id);
  const device = devices.find(({ id }) => id === ctx.params['id']);
  if (!device) throw notFound();
  return device;
}

async function showRename(
  ctx: RouterContext,
  { account }: SignedIn,
  device: TrustedDevice,
  problems: Problems = {},
  name = device.name ?? '',
): Promise<void> {
  const { words } = ctx.state;
  await showAccountPage(ctx, {
    template: 'devices-rename',
    account,
    under: 'two-step',
    title: words.t('devices.rename.title'),
    status: Object.keys(problems).length > 0 ? 400 : 200,
    view: {
      problems,
      name,
      browser: browserName(words, device.userAgent),
      action: `${places.devices}/${device.id}/rename`,
      back: places.devices,
    },
  });
}

function deviceLine(words: Translator, device: TrustedDevice) {
  const { id, name, userAgent, firstIp, lastIp, createdAt, lastUsedAt, expiresAt } = device;
  const browser = browserName(words, userAgent);
  const called = name ?? browser;
  const from = firstIp === lastIp ? undefined : words.t('devices.place.first', { ip: firstIp });
  return {
    name: called,
    browser: name === undefined ? undefined : browser,
    place: [words.t('devices.place', { ip: lastIp }), ...(from ? [from] : [])].join(' · '),
    since: withDate(words, 'devices.since', createdAt),
    until: withDate(words, 'devices.until', expiresAt),
    used: lastUsedAt === undefined ? undefined : withAgo(words, 'devices.used', lastUsedAt),
    rename: `${places.devices}/${id}/rename`,
    renameLabel: words.t('devices.rename_named', { name: called }),
    remove: `${places.devices}/${id}/remove`,
    removeLabel: words.t('devices.remove_named', { name: called }),
  };
}

function idsOf({ account, session }: SignedIn) {
  return { accountId: account.id, sessionUid: session.uid };
}
