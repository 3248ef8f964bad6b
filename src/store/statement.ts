import type { Compilable, CompiledQuery, QueryResult } from 'kysely';
import type { Database } from './tables.ts';

/** Stands in a statement where a value will be. */
class Place {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const byName: ProxyHandler<object> = {
  get: (_, name) => new Place(String(name)),
  ownKeys() {
    throw new Error('the places of a statement are to be named one by one');
  },
};

/**
 * A statement that is put together once and asked often, for what every sign-in waits for: to put it together costs the
 * process more than to ask the database. `build` sees no values, only where they will stand, so it cannot decide by them.
 */
export function statement<Given extends object, Row>(
  build: (db: Database, given: Given) => Compilable<Row>,
): (db: Database, given: Given) => Promise<QueryResult<Row>> {
  const places = new Proxy({}, byName) as Given;
  // One for each kind of database would do; a process has one, tests have several.
  const built = new WeakMap<Database, CompiledQuery<Row>>();
  return async (db, given) => {
    const made = built.get(db) ?? build(db, places).compile();
    built.set(db, made);
    const parameters = made.parameters.map((one) => (one instanceof Place ? valueAt(one, given) : one));
    return await db.executeQuery({ ...made, parameters });
  };
}

function valueAt({ name }: Place, given: object): unknown {
  const value = (given as Record<string, unknown>)[name];
  if (value === undefined) throw new Error(`nothing is given for ${name}`);
  return value;
}
