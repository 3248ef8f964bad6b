/**
 * How long the machine stood still since this was called: what a timer of ours is late by, in pieces of a tenth of a second or
 * more, without what this thread did itself. Who waits for a processor behind other processes waits for less than that.
 */
export function watchStandstills(): { lostMs(): number; end(): void } {
  let lost = 0;
  let last = { at: performance.now(), cpu: process.threadCpuUsage() };
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last.cpu);
    const late = performance.now() - last.at - beatMs - (user + system) / 1000;
    if (late >= pieceMs) lost += late;
    last = { at: performance.now(), cpu: process.threadCpuUsage() };
  }, beatMs);
  return { lostMs: () => lost, end: () => clearInterval(timer) };
}

const [beatMs, pieceMs] = [50, 100];
