import type { Place } from '../src/web/address-places.ts';
import type { Translator } from '../src/web/words.ts';

/** "Lyon, France", as far as the address database knows; undefined where it knows nothing. */
export function placeName(
  { locale }: Pick<Translator, 'locale'>,
  place: Place | undefined,
): string | undefined {
  if (!place) return undefined;
  const country = new Intl.DisplayNames([locale], { type: 'region' }).of(place.country) ?? place.country;
  const city = place.cities?.[locale] ?? place.cities?.['en'];
  return city ? `${city}, ${country}` : country;
}
