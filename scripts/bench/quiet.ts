/**
 * What an operation costs on a machine that others share. Where it takes the processors away for a while, every process of
 * it stands still at once, and the system books that time as CPU of whoever was running: so what fell into such a moment
 * does not count. Where nothing stands still, everything does.
 */

/** CPU of one process, all threads of it, between two moments of the clock that all processes of a machine share. Milliseconds. */
export type Piece = { from: number; to: number; cpuMs: number };
export type Standstill = { from: number; to: number };

const pieceMs = 10;
const [beatMs, longMs] = [5, 10];
const enoughMs = 60;

export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Looks again and again at what this process has used. Answers how to stop, and then what it saw. */
export function watchCpu(): () => Piece[] {
  const pieces: Piece[] = [];
  let [last, before] = [clockMs(), process.cpuUsage()];
  const look = () => {
    const [now, cpu] = [clockMs(), process.cpuUsage()];
    const used = cpu.user - before.user + cpu.system - before.system;
    pieces.push({ from: last, to: now, cpuMs: used / 1000 });
    [last, before] = [now, cpu];
  };
  const timer = setInterval(look, pieceMs);
  return () => {
    clearInterval(timer);
    look();
    return pieces;
  };
}

/**
 * When this process was not let go on, which waits for others most of the time. It must not be the measured one: what keeps
 * that busy, its garbage for one, is what it costs.
 */
export function watchStandstills(): () => Standstill[] {
  const standstills: Standstill[] = [];
  let last = clockMs();
  const look = () => {
    const now = clockMs();
    if (now - last > beatMs + longMs) standstills.push({ from: last + beatMs, to: now });
    last = now;
  };
  const timer = setInterval(look, beatMs);
  return () => {
    clearInterval(timer);
    look();
    return standstills;
  };
}

/** The pieces that lie between the two moments and in no standstill. */
export function quietPieces(
  pieces: readonly Piece[],
  { from, to, standstills }: { from: number; to: number; standstills: readonly Standstill[] },
): Piece[] {
  const within = pieces.filter((piece) => piece.from >= from && piece.to <= to);
  return within.filter((piece) => overlap(piece, standstills) === 0);
}

/** What ended in the quiet moments of some load, and the CPU of these. */
export type Quiet = { cpuMs: number; operations: number };

/** `ends`: when each operation was over. */
export function costIn(pieces: readonly Piece[], ends: readonly number[]): Quiet {
  const ended = ends.filter((end) => pieces.some(({ from, to }) => from < end && end <= to));
  return { cpuMs: pieces.reduce((sum, { cpuMs }) => sum + cpuMs, 0), operations: ended.length };
}

/**
 * CPU per operation, in milliseconds, in the best of the rounds: what disturbs a measurement only adds to it. Rounds of which too
 * little was quiet count as one with those that follow, for luck is not to be what is measured.
 */
export function leastCost(rounds: readonly Quiet[]): number {
  const groups: Quiet[] = [];
  for (const { cpuMs, operations } of rounds) {
    const last = groups.at(-1);
    if (!last || last.cpuMs >= enoughMs) groups.push({ cpuMs, operations });
    else Object.assign(last, { cpuMs: last.cpuMs + cpuMs, operations: last.operations + operations });
  }
  const enough = groups.filter(({ cpuMs, operations }) => cpuMs >= enoughMs && operations > 0);
  if (enough.length === 0) throw new Error('the machine hardly ever went on: measure for longer (--seconds)');
  return Math.min(...enough.map(({ cpuMs, operations }) => cpuMs / operations));
}

/** How much of the time the standstills took. */
export function overlap({ from, to }: Standstill, standstills: readonly Standstill[]): number {
  return standstills
    .map((one) => Math.min(one.to, to) - Math.max(one.from, from))
    .filter((ms) => ms > 0)
    .reduce((sum, ms) => sum + ms, 0);
}
