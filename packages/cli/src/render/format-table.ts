export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Rows in columns as wide as their widest cell, two spaces apart, with a head line; no spaces at the ends of lines. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const titles = columns.map((column) => column.title);
  const widths = titles.map((title, index) => Math.max(title.length, ...rows.map((row) => (row[index] ?? "").length)));
  return [titles, ...rows].map((row) =>
    columns
      .map((column, index) => {
        const cell = row[index] ?? "";
        const width = widths[index] ?? 0;
        return column.align === "right" ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
