/** Asks servers some questions each, over connections that are closed again: [[answers of the first], ...]. */
export function askRedis(
  servers: readonly { url: string }[],
  ...commands: (string | number)[][]
): Promise<unknown[][]>;
