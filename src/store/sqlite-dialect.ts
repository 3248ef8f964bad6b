import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { StoreUnavailable } from './live.ts';
import { whenFree } from './sqlite-file.ts';
import { type Wrote, watchWrites } from './written-tables.ts';

/**
 * kysely on node:sqlite. kysely's own SQLite dialect differs in what matters when several requests and several processes
 * use one file: it begins transactions deferred (which fail at the first write when another process wrote meanwhile),
 * and it waits for the connection without end (a query on `db` inside a transaction would hang for good).
 */
export function sqliteDialect({
  file,
  patienceMs,
  wrote,
}: {
  file: DatabaseSync;
  patienceMs: number;
  wrote: Wrote;
}): Dialect {
  return {
    createDriver: () => new SqliteFileDriver(file, patienceMs, watchWrites(wrote)),
    createAdapter: () => new TransactionalAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/** Lets migrations run in a transaction, which is also what keeps two migrating processes apart. The driver does the queueing. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** One connection, lent to one transaction or one query at a time, in the order they asked. */
class SqliteFileDriver implements Driver {
  readonly #file: DatabaseSync;
  readonly #patienceMs: number;
  readonly #connection: SqliteFileConnection;
  readonly #writes: ReturnType<typeof watchWrites>;
  readonly #waiting: (() => void)[] = [];
  #lent = false;

  constructor(file: DatabaseSync, patienceMs: number, writes: ReturnType<typeof watchWrites>) {
    this.#file = file;
    this.#patienceMs = patienceMs;
    this.#writes = writes;
    this.#connection = new SqliteFileConnection(file, patienceMs, writes);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#lent) await this.#wait();
    this.#lent = true;
    return this.#connection;
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1);
        reject(new StoreUnavailable('records', new Error('waited too long for another transaction')));
      }, this.#patienceMs);
      this.#waiting.push(start);
    });
  }

  async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift();
    // Stays lent when it is handed over: nobody who asks in between may overtake.
    if (next) next();
    else this.#lent = false;
  }

  async beginTransaction(): Promise<void> {
    await this.#exec('begin immediate');
    this.#writes.began();
  }

  async commitTransaction(): Promise<void> {
    await this.#exec('commit');
    this.#writes.ended();
  }

  async rollbackTransaction(): Promise<void> {
    // A full disk and the like have rolled back already (https://www.sqlite.org/lang_transaction.html section 3).
    if (this.#file.isTransaction) await this.#exec('rollback');
    this.#writes.ended();
  }

  #exec(sql: string): Promise<void> {
    return whenFree({ store: 'records', patienceMs: this.#patienceMs }, () => this.#file.exec(sql));
  }

  async destroy(): Promise<void> {
    this.#connection.forget();
    this.#file.close();
  }
}

type Prepared = { statement: StatementSync; answersRows: boolean };

class SqliteFileConnection implements DatabaseConnection {
  readonly #file: DatabaseSync;
  readonly #patienceMs: number;
  readonly #writes: ReturnType<typeof watchWrites>;
  readonly #prepared = new Map<string, Prepared>();

  constructor(file: DatabaseSync, patienceMs: number, writes: ReturnType<typeof watchWrites>) {
    this.#writes = writes;
    this.#file = file;
    this.#patienceMs = patienceMs;
  }

  executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const values = parameters as SQLInputValue[];
    return whenFree({ store: 'records', patienceMs: this.#patienceMs }, () => {
      const { statement, answersRows } = this.#prepare(sql);
      if (answersRows) {
        const rows = statement.all(...values).map((row) => ({ ...row }) as Row);
        this.#writes.ran(sql);
        return { rows };
      }
      const { changes, lastInsertRowid } = statement.run(...values);
      this.#writes.ran(sql);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    });
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known) return known;
    // Our queries are a few hundred at most; lists of many lengths (`in`) must not pile up for ever.
    if (this.#prepared.size >= 500) this.#prepared.clear();
    const statement = this.#file.prepare(sql);
    const prepared = { statement, answersRows: statement.columns().length > 0 };
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  forget(): void {
    this.#prepared.clear();
  }

  streamQuery(): never {
    throw new Error('the embedded records do not stream');
  }
}
