/** A manual that is printed from code: its file in docs/manual and the text that belongs there. */
export type Manual = { file: string; print(): string };

export function page(title: string, opening: string, ...parts: string[]): string {
  const note = '<!-- Printed from the code by `npm run manuals`; change the code, not this file. -->';
  return `${[note, `# ${title}`, opening, ...parts].join('\n\n')}\n`;
}

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (text: string) => (text === '' ? '' : `\`${text}\``);

/** A bar would end the cell, a line break the row. */
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
