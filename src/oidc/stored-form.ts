import type { AdapterPayload } from 'oidc-provider';

/**
 * How a record of the engine is written down: not as JSON with the name of every member, but as
 * `[began, lives, which, ...values]`, with times in seconds. `which` says by its bits which members differ from what they
 * are if nothing is said, and their values follow in the order of the bits. What a member is when nothing is said comes
 * from where the record lies (its grant's id, the grant itself), or it is not there. A third to a tenth of the bytes.
 *
 * Nothing is lost: the engine's payloads are an open set, so members that no table names travel together in one object,
 * and a record without the usual times is kept as the JSON object it is. Tables may grow at their end and never change
 * before it, for what was stored yesterday is read by them.
 */
export type Form = {
  write(payload: AdapterPayload, defaults: Defaults): string;
  read(value: string, defaults: Defaults): AdapterPayload;
};

/** What members are when nothing is said, by name. */
export type Defaults = Readonly<Record<string, unknown>>;

type Short = string | number | Record<string, unknown>;
/** A member's name, and how its usual values become shorter. */
export type Member = string | { name: string; shorten: Shortening };
/**
 * `write` answers undefined for a value that has no short form; it is then put into a box, an array of one, which no
 * short form is. `began`: the record's `iat`, for times near to it.
 */
export type Shortening = {
  write(value: unknown, began: number): Short | undefined;
  read(short: Short, began: number): unknown;
};

/** Moved near to now, so that times are shorter: 2023-11-14. */
const epoch = 1_700_000_000;
/** Bits of a small number, the last one for the members that the table does not name. */
const mostMembers = 30;

export function openForm(members: readonly Member[]): Form {
  if (members.length > mostMembers) throw new Error('a number has no bits for so many members');
  const table = members.map((member) =>
    typeof member === 'string' ? { name: member, shorten: undefined } : member,
  );
  const places = new Map(table.map(({ name }, place) => [name, place]));
  const otherBit = 1 << table.length;

  function write(payload: AdapterPayload, defaults: Defaults): string {
    const { iat, exp } = payload;
    if (!isTime(iat) || !isTime(exp)) return asObject(payload, defaults);
    const values: unknown[] = [];
    let which = 0;
    let others: Record<string, unknown> | undefined;
    for (const name in payload) {
      const value = payload[name];
      if (value === undefined || name === 'iat' || name === 'exp' || name === 'jti') continue;
      const place = places.get(name);
      if (place === undefined || value === null) others = { ...others, [name]: value };
      else if (value !== defaults[name]) {
        which |= 1 << place;
        values[place] = shortened(table[place]?.shorten, value, iat);
      }
    }
    for (const name in defaults) {
      const place = places.get(name);
      if (payload[name] !== undefined || defaults[name] === undefined || place === undefined) continue;
      which |= 1 << place;
      values[place] = null;
    }
    if (others) which |= otherBit;
    const said: unknown[] = [iat - epoch, exp - iat, which];
    for (const value of values) if (value !== undefined) said.push(value);
    if (others) said.push(others);
    return JSON.stringify(said);
  }

  function read(value: string, defaults: Defaults): AdapterPayload {
    const said = JSON.parse(value) as unknown[] | AdapterPayload;
    if (!Array.isArray(said)) return fromObject(said, defaults);
    const iat = (said[0] as number) + epoch;
    const payload: AdapterPayload = { ...defaults, iat, exp: iat + (said[1] as number) };
    let at = 3;
    for (let which = said[2] as number, place = 0; which > 0; place += 1, which >>>= 1) {
      if ((which & 1) === 0) continue;
      const short = said[at];
      at += 1;
      const member = table[place];
      // Defined and not assigned: no name of a member means anything to JavaScript.
      if (!member) return { ...payload, ...(short as object) };
      else if (short === null) delete payload[member.name];
      else payload[member.name] = lengthened(member.shorten, short, iat);
    }
    return payload;
  }

  return { write, read };
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** Without the usual times. Null says that what `defaults` have is not there. */
function asObject({ jti: _jti, ...payload }: AdapterPayload, defaults: Defaults): string {
  const absent = Object.keys(defaults).filter((name) => payload[name] === undefined);
  return JSON.stringify({ ...payload, ...Object.fromEntries(absent.map((name) => [name, null])) });
}

function fromObject(said: AdapterPayload, defaults: Defaults): AdapterPayload {
  const payload: AdapterPayload = { ...defaults, ...said };
  for (const name in defaults) if (payload[name] === null) delete payload[name];
  return payload;
}

function shortened(shorten: Shortening | undefined, value: unknown, began: number): unknown {
  return shorten ? (shorten.write(value, began) ?? [value]) : value;
}

function lengthened(shorten: Shortening | undefined, short: unknown, began: number): unknown {
  if (!shorten) return short;
  return Array.isArray(short) ? short[0] : shorten.read(short as Short, began);
}
