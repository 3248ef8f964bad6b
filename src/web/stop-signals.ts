import { seconds } from '../kit/durations.ts';

/** Signals this close together are one wish. */
const oneWish = 1 * seconds;

/**
 * `first` when the process is asked to stop, `again` when it is asked once more later: somebody does not want to wait. One
 * wish often arrives twice: systemd and a terminal signal every process of the service, and npx passes on what it gets too.
 */
export function onStopSignals({
  first,
  again,
}: {
  first(signal: NodeJS.Signals): void;
  again(): void;
}): void {
  let askedAt: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (askedAt === undefined) {
        askedAt = performance.now();
        first(signal);
      } else if (performance.now() - askedAt > oneWish) again();
    });
}
