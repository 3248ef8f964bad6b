import type { Person } from './person.ts';
import { type Answer, send } from './wire.ts';

/** Sends a form as this person's browser would, and follows nothing: for forms that come at once, or are counted alone. */
export function sendsAlone(
  person: Person,
  {
    form,
    port,
    page = new URL(person.url).pathname,
  }: { form: Record<string, string>; port: number; page?: string },
): Promise<Answer> {
  const url = new URL(page, person.url);
  return send(url, {
    port,
    headers: {
      cookie: person.cookieHeader(),
      origin: url.origin,
      'sec-fetch-site': 'same-origin',
      'x-forwarded-for': person.address,
    },
    body: new URLSearchParams(form),
  });
}
