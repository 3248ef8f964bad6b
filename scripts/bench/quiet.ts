/**
 * What an operation costs on a machine that others share. Where it takes the processors away for a while, every process of
 * it stands still at once, and the system books that time as CPU of whoever was running: so what fell into such a moment
 * does not count. Where nothing stands still, everything does.
 */

/** CPU of one process, all threads of it, between two moments of the clock that all processes of a machine share. Milliseconds. */
export type Piece = { from: number; to: number; cpuMs: number };
export type Standstill = { from: number; to: number };

const pieceMs = 10;
const [beatMs, longMs] = [5, 3];
const [betterPart, enoughMs] = [0.7, 60];

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

/** What ended in the quiet moments of some load, the CPU of these, and what share of the time they were. */
export type Quiet = { cpuMs: number; operations: number; share: number };

/** Of the load between two moments: what lies in no standstill. `ends`: when each operation was over. */
export function quietPart(
  pieces: readonly Piece[],
  {
    from,
    to,
    ends,
    standstills,
  }: { from: number; to: number; ends: readonly number[]; standstills: readonly Standstill[] },
): Quiet {
  const quiet = pieces.filter(
    (piece) => piece.from >= from && piece.to <= to && overlap(piece, standstills) === 0,
  );
  const total = (of: (piece: Piece) => number) => quiet.reduce((sum, piece) => sum + of(piece), 0);
  return {
    cpuMs: total(({ cpuMs }) => cpuMs),
    operations: ends.filter((end) => quiet.some((piece) => piece.from < end && end <= piece.to)).length,
    share: total((piece) => piece.to - piece.from) / (to - from),
  };
}

/**
 * CPU per operation, in milliseconds, in the best of the rounds: what disturbs a measurement only adds to it. Rounds that were quiet
 * for less than the better part count together as one, for luck is not to be what is measured.
 */
export function leastCost(rounds: readonly Quiet[]): number {
  const [whole, parts] = [
    rounds.filter(({ share }) => share >= betterPart),
    rounds.filter(({ share }) => share < betterPart),
  ];
  const sum = (of: (round: Quiet) => number) => parts.reduce((sum, round) => sum + of(round), 0);
  const together = { cpuMs: sum(({ cpuMs }) => cpuMs), operations: sum(({ operations }) => operations) };
  const counted = [...whole, ...(together.cpuMs >= enoughMs ? [together] : [])];
  const costs = counted.filter(({ operations }) => operations > 0).map((one) => one.cpuMs / one.operations);
  if (costs.length === 0) throw new Error('the machine hardly ever went on: measure for longer (--seconds)');
  return Math.min(...costs);
}

/** How much of the time the standstills took. */
export function overlap({ from, to }: Standstill, standstills: readonly Standstill[]): number {
  return standstills
    .map((one) => Math.min(one.to, to) - Math.max(one.from, from))
    .filter((ms) => ms > 0)
    .reduce((sum, ms) => sum + ms, 0);
}
