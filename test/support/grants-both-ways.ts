import { expect } from '@jest/globals';
import { watchEngineSaves } from './engine-saves.ts';
import type { RelyingParty } from './relying-party.ts';
import { shownIdToken, storedTokens } from './stored-tokens.ts';
import { asks, basic, comparable, type Form, type Way, wentDirect } from './two-ways.ts';
import type { Answer } from './wire.ts';
import type { World } from './world.ts';

/** A request at the token endpoint, made ready: `by` which app, and what is undone when it was answered. */
export type Ready = { by: RelyingParty; form: Form; inForm?: boolean; after?: () => Promise<unknown> };
/** Makes it anew for each way, up to the request itself; `ask` sends one before it, by the same way. */
export type Make = (ask: (ready: Ready) => Promise<Answer>) => Promise<Ready>;
export type Granted = { answer: Answer; saves: number; stored: object };

/** Sends what was made both ways, while time stands still, and holds answers, ID tokens and records against each other. */
export async function grantsBothWays(world: World, make: Make): Promise<Record<Way, Granted>> {
  const ways = await world.still(async () => ({
    direct: await grants(world, 'direct', make),
    engine: await grants(world, 'engine', make),
  }));
  const { direct, engine } = ways;
  expect(comparable(direct.answer)).toEqual(comparable(engine.answer));
  expect(direct.stored).toEqual(engine.stored);
  expect(wentDirect(engine.answer)).toBe(false);
  return ways;
}

async function grants(world: World, way: Way, make: Make): Promise<Granted> {
  const began = Math.floor(Date.now() / 1000);
  const ready = await make((one) => asksFor(world, way, one));
  const engine = watchEngineSaves();
  const answer = await asksFor(world, way, ready);
  engine.stop();
  await ready.after?.();
  const { form } = ready;
  const kept = await storedTokens(world, { form, given: answer.json, since: began });
  const stored = { ...kept, idToken: shownIdToken(answer.json['id_token'], began) };
  return { answer, saves: engine.count(), stored };
}

function asksFor(world: World, way: Way, { by, form, inForm = false }: Ready): Promise<Answer> {
  const { clientId, clientSecret } = by;
  const secret = clientSecret === undefined ? {} : { client_secret: clientSecret };
  if (inForm || clientSecret === undefined)
    return asks(world, way, {
      path: '/token',
      headers: {},
      form: { client_id: clientId, ...secret, ...form },
    });
  return asks(world, way, { path: '/token', headers: basic(clientId, clientSecret), form });
}
