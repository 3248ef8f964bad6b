/**
 * Does `work` every so often and when it is told to, never twice at once: what is told while a round is under way may have
 * come after what the round read, so another follows it. `stop` waits for the round that is under way; none follows.
 */
export function startRounds({
  every,
  work,
  failed,
}: {
  every: number;
  work: () => Promise<unknown>;
  failed: (error: unknown) => void;
}): { look(): void; stop(): Promise<void> } {
  let round: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  function look(): void {
    if (stopped) return;
    again = round !== undefined;
    round ??= work()
      .then(() => undefined, failed)
      .then(() => {
        round = undefined;
        if (again) look();
      });
  }
  // A round that takes longer than `every` is not followed at once for that.
  const timer = setInterval(() => round ?? look(), every).unref();
  return {
    look,
    async stop() {
      stopped = true;
      clearInterval(timer);
      await round;
    },
  };
}
