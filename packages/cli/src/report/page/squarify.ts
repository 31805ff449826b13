export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Divides a rectangle among values, largest first, into pieces that are as square as can be (Bruls, Huizing and van Wijk, Squarified
 * Treemaps, 2000). One piece for each value, in their order; a value that is not above 0 gets an empty one.
 */
export function squarify(values: readonly number[], within: Rectangle): Rectangle[] {
  const total = values.reduce((sum, value) => sum + Math.max(value, 0), 0);
  const scale = total > 0 ? (within.width * within.height) / total : 0;
  const pieces: Rectangle[] = [];
  let rest = within;
  let start = 0;
  while (start < values.length) {
    const side = Math.min(rest.width, rest.height);
    const { end, area } = fillRow(values, start, scale, side);
    rest = layRow(values, start, end, scale, area, rest, pieces);
    start = end;
  }
  return pieces;
}

/** The values that make the best row along a side: it grows as long as its worst piece doesn't become longer. */
function fillRow(
  values: readonly number[],
  start: number,
  scale: number,
  side: number,
): { readonly end: number; readonly area: number } {
  let area = 0;
  let worst = Number.POSITIVE_INFINITY;
  let end = start;
  const largest = areaAt(values, start, scale);
  while (end < values.length) {
    const smallest = areaAt(values, end, scale);
    const grown = area + smallest;
    const square = (side / grown) ** 2;
    const shape = Math.max(largest * square, 1 / (smallest * square));
    if (end > start && shape > worst) break;
    worst = shape;
    area = grown;
    end += 1;
  }
  return { end, area };
}

/** Lays a row along the shorter side, and returns what is left. */
function layRow(
  values: readonly number[],
  start: number,
  end: number,
  scale: number,
  area: number,
  rest: Rectangle,
  pieces: Rectangle[],
): Rectangle {
  const stands = rest.width >= rest.height;
  const side = stands ? rest.height : rest.width;
  const depth = side > 0 ? Math.min(area / side, stands ? rest.width : rest.height) : 0;
  let offset = 0;
  for (let at = start; at < end; at += 1) {
    const length = depth > 0 ? areaAt(values, at, scale) / depth : 0;
    pieces.push(
      stands
        ? { x: rest.x, y: rest.y + offset, width: depth, height: length }
        : { x: rest.x + offset, y: rest.y, width: length, height: depth },
    );
    offset += length;
  }
  return stands
    ? { ...rest, x: rest.x + depth, width: rest.width - depth }
    : { ...rest, y: rest.y + depth, height: rest.height - depth };
}

function areaAt(values: readonly number[], at: number, scale: number): number {
  return Math.max(values[at] ?? 0, 0) * scale;
}
