/** A piece of text, and how it looks with colours. */
export interface Cell {
  readonly plain: string;
  readonly shown: string;
}

const GAP = "  ";

/** Cells in as many columns as fit, read downwards, as `ls` does; no spaces at the ends of lines. */
export function formatColumns(cells: readonly Cell[], width: number): string[] {
  let rows = 1;
  while (rows < cells.length && widthOf(cells, rows) > width) rows += 1;
  const widths = columnWidths(cells, rows);
  const lines: string[] = [];
  for (let row = 0; row < Math.min(rows, cells.length); row += 1) {
    const line = cells.filter((_cell, at) => at % rows === row);
    lines.push(
      line.map((cell, at) => (at === line.length - 1 ? cell.shown : padCell(cell, widths[at] ?? 0))).join(GAP),
    );
  }
  return lines;
}

/** A cell with spaces behind it, so that it is so wide on the screen. */
function padCell({ plain, shown }: Cell, width: number): string {
  return shown + " ".repeat(Math.max(0, width - plain.length));
}

function widthOf(cells: readonly Cell[], rows: number): number {
  const widths = columnWidths(cells, rows);
  return widths.reduce((sum, width) => sum + width, (widths.length - 1) * GAP.length);
}

function columnWidths(cells: readonly Cell[], rows: number): number[] {
  const widths: number[] = [];
  for (const [at, { plain }] of cells.entries()) {
    const column = Math.floor(at / rows);
    widths[column] = Math.max(widths[column] ?? 0, plain.length);
  }
  return widths;
}
