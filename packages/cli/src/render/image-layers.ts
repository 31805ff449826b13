import type { ShownPackage } from "@spkoci/core";
import { formatBar } from "./bar.js";
import { formatSize } from "./format-size.js";
import { type Column, formatTable } from "./format-table.js";
import { packageLabel } from "./package-label.js";
import type { Screen } from "./screen.js";

const LAYER: Column = { title: "LAYER" };
const SIZE: Column = { title: "SIZE", align: "right" };
const UNPACKED: Column = { title: "UNPACKED", align: "right" };
const SHARED: Column = { title: "SHARED BY", align: "right" };

/** Columns of a bar, at least and at most. */
const [NARROWEST, WIDEST] = [8, 40];

interface Row {
  readonly label: string;
  readonly size: number;
  readonly plainSize: number | null;
  readonly sharedBy?: number | undefined;
  /** The package's own layer. */
  readonly isOwn: boolean;
}

/** A table of an image's layers, the largest first, with bars of their sizes. The layers of a base image are one row. */
export function formatLayers(image: ShownPackage, { colors, unicode, width = 80 }: Screen): string[] {
  const rows = rowsOf(image).sort((a, b) => b.size - a.size);
  const isMeasured = rows.some(({ plainSize }) => plainSize !== null);
  const isIndexed = rows.some(({ sharedBy }) => sharedBy !== undefined);
  const columns = [LAYER, SIZE, ...(isMeasured ? [UNPACKED] : []), ...(isIndexed ? [SHARED] : [])];
  const [head = "", ...lines] = formatTable(
    columns,
    rows.map(({ label, size, plainSize, sharedBy }) => [
      label,
      formatSize(size),
      ...(isMeasured ? [plainSize === null ? "?" : formatSize(plainSize)] : []),
      ...(isIndexed ? [sharedBy === undefined ? "" : String(sharedBy || "-")] : []),
    ]),
  );
  const used = Math.max(head.length, ...lines.map((line) => line.length)) + 2;
  const room = Math.min(WIDEST, Math.max(NARROWEST, width - used));
  const largest = Math.max(1, ...rows.map(({ size }) => size));
  return [
    colors.bold(head),
    ...lines.map((line, at) => {
      const row = rows[at];
      const bar = formatBar((row?.size ?? 0) / largest, room, unicode);
      return `${line.padEnd(used)}${row?.isOwn ? colors.green(bar) : colors.cyan(bar)}`;
    }),
  ];
}

function rowsOf({ layers, base, package: { hash } }: ShownPackage): Row[] {
  const rows: Row[] = layers.flatMap((layer) => {
    const { kind, package: owner, digest, size, plainSize, sharedBy } = layer;
    if (kind === "base") return [];
    const label =
      owner === undefined
        ? `of unknown origin, ${digest.slice(0, "sha256:".length + 12)}`
        : packageLabel(owner.version === undefined ? owner.name : `${owner.name}@${owner.version}`, owner.hash);
    return [{ label, size, plainSize, sharedBy, isOwn: owner?.hash === hash }];
  });
  if (base !== undefined && base.layers > 0) {
    const sizes = layers.filter(({ kind }) => kind === "base").map(({ plainSize }) => plainSize);
    const plainSize = sizes.reduce((sum, size) => (sum === null || size === null ? null : sum + size), 0);
    rows.push({ label: `base image (${base.layers})`, size: base.size, plainSize, isOwn: false });
  }
  return rows;
}
