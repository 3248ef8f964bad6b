/**
 * The forms of REDIS_URL. One server, a primary that sentinels watch, or a Cluster; each with TLS as `rediss`.
 *
 *   redis://[user:password@]host[:port][/db]
 *   redis+sentinel://[user:password@]host[:port],.../<primary name>[/db][?sentinel_user=...&sentinel_password=...]
 *   redis+cluster://[user:password@]host[:port],...
 *
 * An IPv6 address stands in brackets. What has a meaning in an address is written percent-encoded in names and passwords.
 */
export type RedisHost = { host: string; port: number };

export type RedisAddress = {
  form: 'single' | 'sentinel' | 'cluster';
  tls: boolean;
  /** The server, the sentinels, or some nodes of the Cluster. */
  hosts: RedisHost[];
  user: RedisUser;
  db: number;
  /** Of the sentinel form: what the sentinels call the primary, and who we are to them. */
  primaryName: string;
  sentinelUser: RedisUser;
};

type RedisUser = { username?: string; password?: string };

const shape =
  /^redis(?<tls>s?)(?:\+(?<form>sentinel|cluster))?:\/\/(?:(?<user>[^/?#]*)@)?(?<hosts>[^/?#@]*)(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/;

/** Throws with a sentence that completes `REDIS_URL: ...` and repeats no part of it, since any may be of a password. */
export function readRedisAddress(url: string): RedisAddress {
  const parts = shape.exec(url)?.groups;
  if (!parts)
    throw new Error(
      'must be an address that begins with redis:// or rediss://, or with redis+sentinel:// or redis+cluster:// and several hosts',
    );
  const form = (parts['form'] ?? 'single') as RedisAddress['form'];
  const query = new URLSearchParams(parts['query'] ?? '');
  const address = {
    form,
    tls: parts['tls'] === 's',
    hosts: readHosts(parts['hosts'] ?? '', form),
    user: readUser(parts['user']),
    ...readPath(parts['path'] ?? '', form),
    sentinelUser: userOf(query.get('sentinel_user'), query.get('sentinel_password')),
  };
  const known = form === 'sentinel' ? ['sentinel_user', 'sentinel_password'] : [];
  if (![...query.keys()].every((name) => known.includes(name)))
    throw new Error(`takes ${known.join(' and ') || 'nothing'} behind a question mark`);
  if (address.sentinelUser.username && !address.sentinelUser.password)
    throw new Error('has sentinel_user without sentinel_password');
  return address;
}

/** Where it is, for people: no names of users and no passwords. */
export function describeAddress({ form, hosts, db, primaryName }: RedisAddress): string {
  const where = hosts.map(hostName).join(', ');
  if (form === 'cluster') return `Redis Cluster at ${where}`;
  const which = db === 0 ? '' : `, database ${db}`;
  return form === 'sentinel'
    ? `Redis ${primaryName} of the sentinels at ${where}${which}`
    : `Redis at ${where}${which}`;
}

export const hostName = ({ host, port }: RedisHost) =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function readHosts(text: string, form: RedisAddress['form']): RedisHost[] {
  const hosts = text.split(',').map((host) => readHost(host, form === 'sentinel' ? 26_379 : 6379));
  if (form === 'single' && hosts.length > 1)
    throw new Error('names several hosts: begin it with redis+cluster:// or redis+sentinel://');
  return hosts;
}

function readHost(text: string, usualPort: number): RedisHost {
  const parts = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[A-Za-z0-9._-]+))(?::(?<port>\d+))?$/.exec(
    text,
  )?.groups;
  const host = parts?.['v6'] ?? parts?.['name'];
  const port = Number(parts?.['port'] ?? usualPort);
  if (!host || port < 1 || port > 65_535)
    throw new Error(
      'lacks a host, or names one that cannot be; in a password, write %2F for / and %40 for @',
    );
  return { host, port };
}

function readUser(text: string | undefined): RedisUser {
  if (text === undefined || text === '' || text === ':') return {};
  const colon = text.indexOf(':');
  if (colon < 0) throw new Error('has a user without a password; a password alone is written :password@');
  return userOf(decoded(text.slice(0, colon)), decoded(text.slice(colon + 1)));
}

function userOf(username: string | null, password: string | null): RedisUser {
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

function readPath(path: string, form: RedisAddress['form']): { primaryName: string; db: number } {
  const parts = path.split('/').slice(1).map(decoded);
  const primaryName = form === 'sentinel' ? (parts.shift() ?? '') : '';
  if (form === 'sentinel' && primaryName === '')
    throw new Error('lacks the name of the primary, as the sentinels know it, behind the hosts');
  const [db = '', ...more] = parts;
  if (more.length > 0 || !/^\d{0,4}$/.test(db)) throw new Error('has a database that is not a number');
  if (form === 'cluster' && Number(db) > 0) throw new Error('has a database, and a Cluster has only one');
  return { primaryName, db: Number(db) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('has a percent sign that begins no encoded character; a percent sign itself is %25');
  }
}
