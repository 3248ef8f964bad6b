import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

/**
 * What was asked and what was answered, written down as it happens and never changed: an intent before the request
 * leaves, the answer when it is there. The checker joins it with the audit record and the stores; what the server
 * acknowledged is what stands here. Artefacts are named by their hash, since the file may be kept.
 */
export type Kind =
  | 'authorize'
  | 'page'
  | 'password'
  | 'consent'
  | 'resume'
  | 'redeem'
  | 'refresh'
  | 'introspect'
  | 'userinfo'
  | 'revoke'
  | 'sign_out'
  | 'probe'
  | 'replay';

export type Intent = {
  kind: Kind;
  /** Whose. */
  who: string;
  /** Hash of the single-use thing or token that is shown. */
  artefact?: string | undefined;
  /** The grant it belongs to, as the audit record names it. */
  grant?: string | undefined;
  /** The second try of something that was answered with "come again". */
  retry?: boolean | undefined;
};

export type Entry = Intent & {
  id: number;
  /** Epoch milliseconds, with fractions. */
  start: number;
  end: number;
  /** 0: no answer at all. */
  status: number;
  /** Who answered, by the port; several when the balancer tried several. */
  nodes: readonly string[];
  retryAfter: number | undefined;
  /** What is wrong with the answer by itself, whatever was asked. */
  fault: string | undefined;
};

export type Ledger = {
  readonly entries: readonly Entry[];
  /** How many were asked and have no answer yet. */
  open(): number;
  begin(intent: Intent): (answer: Omit<Entry, keyof Intent | 'id' | 'start' | 'end'>) => Entry;
  close(): void;
};

export const now = () => performance.timeOrigin + performance.now();
export const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 16);

export function openLedger(file: string): Ledger {
  const fd = openSync(file, 'a');
  const entries: Entry[] = [];
  let ids = 0;
  let open = 0;
  const write = (line: object) => writeSync(fd, `${JSON.stringify(line)}\n`);
  return {
    entries,
    open: () => open,
    begin(intent) {
      ids += 1;
      open += 1;
      const id = ids;
      const start = now();
      write({ id, intent, start });
      return (answer) => {
        open -= 1;
        const entry = { ...intent, ...answer, id, start, end: now() };
        write({ id, answer, end: entry.end });
        entries.push(entry);
        return entry;
      };
    },
    close: () => closeSync(fd),
  };
}
