import { preferSecondStep } from '../../../src/actions/prefer-second-step.ts';
import { source } from '../../support/account-in-use.ts';
import { aPasskey } from '../../support/passkeys.ts';
import type { Person } from '../../support/person.ts';
import { atSecondStep, aWhile, carefulAccount } from '../../support/second-steps.ts';
import type { TestServices } from '../../support/stores.ts';
import { send } from '../../support/wire.ts';
import type { World } from '../../support/world.ts';

/** People with passkeys, and one who is offered one, at the pages that only they come to. */
export async function parkPasskeyPeople(world: World): Promise<Record<string, Person>> {
  const services = world.services as unknown as TestServices;
  const plain = await world.account();
  await aPasskey(services, plain.accountId);
  const confirmingByPasskey = world.person();
  await confirmingByPasskey.goes(`${world.issuer}/account`);
  await confirmingByPasskey.signsIn(plain);
  world.advance(aWhile);
  await confirmingByPasskey.goes(`${world.issuer}/account/password`);
  const passkeys = world.person();
  await passkeys.goes(`${world.issuer}/account/two-step`);
  await passkeys.signsIn(plain);

  const careful = await carefulAccount(world);
  const { passkey } = await aPasskey(services, careful.accountId);
  const method = `passkey.${passkey.id}`;
  await preferSecondStep(world.services, { ...careful, sessionUid: 'x', method }, source);
  const secondStepByPasskey = await atSecondStep(world, careful);

  const offered = world.person();
  await offered.goes(`${world.issuer}/account`);
  // What the page's script says of the browser.
  await send(`${offered.url}/passkey/options`, {
    body: new URLSearchParams({ can: 'offer' }),
    headers: {
      cookie: offered.cookieHeader(),
      origin: world.issuer,
      'sec-fetch-site': 'same-origin',
      'x-forwarded-for': offered.address,
    },
  });
  await offered.signsIn(await world.account());
  return { confirmingByPasskey, passkeys, secondStepByPasskey, offered };
}
