import { z } from 'zod';
import { optionalTextField } from '../../src/web/form.ts';
import { isPlace, type Place, places } from './places.ts';

/**
 * The addresses of the page that asks for a fresh proof, and of where it leads: one of our places, and for the page that removes a
 * method the method's name. Both are read from a closed shape and written anew, so no address comes out of a request.
 */
export type Destination = { to: Place; method: string | undefined };

const confirmPath = '/account/confirm';

export function confirmAddress(to: Place, method: unknown): string {
  return `${confirmPath}${queryOf({ to, method: methodIn(method) })}`;
}

/** As a link; forms carry the destination in hidden fields, for their script asks beside their address. */
export function confirmLink(page: '' | '/methods', destination: Destination): string {
  return `${confirmPath}${page}${queryOf(destination)}`;
}

/** The hidden fields of the forms, and the parameters of the links. */
export const destinationForm = z.object({
  to: optionalTextField({ most: 40 }),
  about: optionalTextField({ most: 80 }),
});

export function destinationIn({ to, about }: Record<string, unknown>): Destination {
  return { to: isPlace(to) ? to : 'overview', method: methodIn(about) };
}

export function hiddenFields({ to, method = '' }: Destination): { to: string; about: string } {
  return { to, about: method };
}

export function addressOf({ to, method }: Destination): string {
  return method === undefined ? places[to] : `${places[to]}?${new URLSearchParams({ method })}`;
}

function queryOf({ to, method }: Destination): string {
  return `?${new URLSearchParams({ to, ...(method !== undefined && { about: method }) })}`;
}

function methodIn(given: unknown): string | undefined {
  return typeof given === 'string' && /^[a-z_]{1,20}\.[\w-]{1,40}$/.test(given) ? given : undefined;
}
