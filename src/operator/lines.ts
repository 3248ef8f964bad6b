/** How commands print for people: plain text that also reads well in a terminal of 80 columns. */

/** Rows under a heading, columns as wide as they need to be. */
export function table(heading: string[], rows: (string | number | undefined)[][]): string[] {
  const all = [heading, ...rows.map((row) => row.map((cell) => String(cell ?? '-')))];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Names and values, one a line; what is undefined is left out. */
export function members(values: Record<string, unknown>): string[] {
  const shown = Object.entries(values).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${said(value)}`);
}

/** ISO 8601, UTC, to the second; undefined stays so. */
export function moment(ms: number | null | undefined): string | undefined {
  return ms === null || ms === undefined ? undefined : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

function said(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(' ');
  return JSON.stringify(value);
}
