import { setTimeout as sleep } from 'node:timers/promises';
import { Person } from '../../test/support/person.ts';
import type { SmtpServer } from '../../test/support/smtp-server.ts';
import type { Bed } from './bed.ts';
import { addressOf, askPath } from './crowd.ts';

/** Somebody at a page of the bed, with a browser of their own. */
export function somebody({ issuer, port }: Pick<Bed, 'issuer' | 'port'>): Person {
  visitors += 1;
  return new Person({
    reach: (origin) => (origin === issuer ? port : undefined),
    address: addressOf(100_000 + visitors),
  });
}

let visitors = 0;
let people = 0;

/** A new person who signed up as far as the page that asks for the code, and the code. */
export async function upToTheCode(bed: Bed): Promise<{ person: Person; code: string }> {
  people += 1;
  const address = `new${people}@example.com`;
  const password = 'a-long-new-password-of-mine';
  const person = somebody(bed);
  await person.goes(`${bed.issuer}${askPath()}`);
  await person.goes(`${person.url}/sign-up`);
  const code = await codeMailedTo(bed.mail, address, () =>
    person.submits({ name: `New ${people}`, identifier: address, password }),
  );
  return { person, code };
}

/** The code that is mailed to this address by what `ask` does; not one that came before. */
export async function codeMailedTo(
  mail: SmtpServer,
  address: string,
  ask: () => Promise<unknown>,
): Promise<string> {
  const since = mail.received.length;
  await ask();
  for (const giveUpAt = Date.now() + 15_000; Date.now() < giveUpAt; await sleep(50)) {
    const newest = mail.received.slice(since).find(({ to }) => to.includes(address));
    const code = newest && /(?<![\w#=-])\d{6}(?![\w-])/.exec(bodyOf(newest.raw))?.[0];
    if (code) return code;
  }
  throw new Error(`no mail came to ${address}`);
}

/** Without the header, in which dates have digits too. Boundaries stand in the body as well, and six digits of one are no code. */
function bodyOf(raw: string): string {
  return raw.slice(raw.indexOf('\r\n\r\n')).replaceAll('=\r\n', '');
}
