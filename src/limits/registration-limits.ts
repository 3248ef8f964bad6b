import { hours, minutes } from '../kit/durations.ts';

/** What apps that come by themselves may cost, and our other sites. Rows of the one table (limits.ts). */
export const registrationLimits = {
  registration_by_address: {
    max: 50,
    windowMs: hours,
    keyedBy: 'address',
    why: 'Apps that a machine registers where registration is open, changes of theirs, and new ones that are a document: REGISTRATIONS_PER_HOUR.',
  },
  registration_by_network: {
    max: 200,
    windowMs: hours,
    keyedBy: 'network',
    why: 'The same from many addresses that one customer of a provider can pick from: four times as many.',
  },
  documents_by_host: {
    max: 20,
    windowMs: hours,
    keyedBy: 'host',
    why: 'Addresses of one host that somebody makes up to be the ids of apps: each is fetched.',
  },
  registration_by_everyone: {
    max: 500,
    windowMs: hours,
    keyedBy: 'everyone',
    why: 'The same from everywhere: ten times as many, with those that come by a document.',
  },
  region_lookup_by_everyone: {
    max: 600,
    windowMs: minutes,
    keyedBy: 'everyone',
    why: 'Questions of our other sites, should their secret be known to somebody else.',
  },
  refresh_by_grant: {
    max: 600,
    windowMs: hours,
    keyedBy: 'grant',
    why: 'Refresh tokens of apps with login_with_amazon, which never change. Nothing is refused: the use is recorded as odd.',
  },
  refresh_networks_by_grant: {
    max: 8,
    windowMs: 24 * hours,
    keyedBy: 'grant',
    why: 'The same, for the networks (IPv4 /16, IPv6 /48) that one is used from within a day.',
  },
} as const;
