import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type CityResponse, Reader } from 'mmdb-lib';

/**
 * Where an address is, from a database that the operator brings along (GEO_DATABASE, in MaxMind's format; DB-IP and IP2Location
 * write it too). Of a country, and of a town where the file has towns. It is a guess about a network and not about a person, so it
 * is told to people and weighed, and lets nobody in or out by itself. Read once at start, and nothing is ever asked elsewhere.
 */
export type Place = {
  /** ISO 3166-1 alpha-2. */
  country: string;
  /** By language. */
  cities?: Record<string, string>;
  /** Degrees. */
  at?: { latitude: number; longitude: number };
};

export type AddressPlaces = {
  configured: boolean;
  /** Undefined for what the database does not know, such as private networks. */
  placeOf(ip: string): Place | undefined;
};

/** Throws when the file is not there or no such database. */
export function openAddressPlaces(file: string | undefined): AddressPlaces {
  if (file === undefined) return { configured: false, placeOf: () => undefined };
  const reader = readerOf(file);
  return {
    configured: true,
    placeOf(ip) {
      const found = mayLookUp(reader, ip) ? reader.get(ip) : undefined;
      const country = found?.country?.iso_code ?? found?.registered_country?.iso_code;
      if (!found || !country || !/^[A-Z]{2}$/.test(country)) return undefined;
      const { city, location } = found;
      return {
        country,
        ...(city?.names && { cities: { ...city.names } }),
        ...(location && { at: { latitude: location.latitude, longitude: location.longitude } }),
      };
    },
  };
}

/** A database of IPv4 alone would take the first bits of an IPv6 address for one. */
function mayLookUp({ metadata }: Reader<CityResponse>, ip: string): boolean {
  const version = isIP(ip);
  return version !== 0 && version <= metadata.ipVersion;
}

function readerOf(file: string): Reader<CityResponse> {
  try {
    return new Reader<CityResponse>(readFileSync(file));
  } catch (cause) {
    throw new Error(`GEO_DATABASE: ${file} cannot be read as an address database`, { cause });
  }
}

/** Kilometres along the surface, on a sphere; a town is known to some dozen anyway. */
export function distanceKm(one: NonNullable<Place['at']>, other: NonNullable<Place['at']>): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const [north, south] = [radians(one.latitude), radians(other.latitude)];
  const away = radians(other.longitude - one.longitude);
  const chord =
    Math.sin((south - north) / 2) ** 2 + Math.cos(north) * Math.cos(south) * Math.sin(away / 2) ** 2;
  return 2 * 6371 * Math.asin(Math.min(1, Math.sqrt(chord)));
}
