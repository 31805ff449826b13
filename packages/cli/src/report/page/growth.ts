import type { Model, Package } from "./model.js";

/** How much there was at a time. */
export interface GrowthPoint {
  /** Ms since 1970. */
  readonly time: number;
  readonly packages: number;
  /** Bytes of layers and documents, each layer once. */
  readonly stored: number;
}

const MINUTE = 60_000;

/** What packages with a date add up to: one point for each minute in which some came, oldest first. */
export function growthOf({ layers }: Model, packages: readonly Package[]): GrowthPoint[] {
  const dated = packages.filter(({ created }) => created !== null);
  const sorted = dated.toSorted((a, b) => timeOf(a) - timeOf(b));
  const seen = new Uint8Array(layers.length);
  const points: GrowthPoint[] = [];
  let stored = 0;
  for (const [index, one] of sorted.entries()) {
    stored += one.documents;
    for (const layer of one.layers) {
      if (seen[layer] === 0) stored += layers[layer]?.size ?? 0;
      seen[layer] = 1;
    }
    if (points.at(-1)?.time === timeOf(one)) points.pop();
    points.push({ time: timeOf(one), packages: index + 1, stored });
  }
  return points;
}

/** At most `limit` points, the first and the last among them. */
export function thinOut(points: readonly GrowthPoint[], limit: number): readonly GrowthPoint[] {
  if (points.length <= limit) return points;
  const step = (points.length - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, at) => points[Math.round(at * step)] as GrowthPoint);
}

function timeOf({ created }: Package): number {
  return Math.floor((created ?? 0) / MINUTE) * MINUTE;
}
