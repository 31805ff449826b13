import type { Package } from "./model.js";
import { type Rectangle, squarify } from "./squarify.js";

/** A package's place in the treemap. */
export interface Cell extends Rectangle {
  readonly package: Package;
  /** It stands alone, rather than among others of its name. */
  readonly single: boolean;
}

/** Packages of one name. */
export interface Group extends Rectangle {
  readonly name: string;
  /** The name is written above the cells. */
  readonly titled: boolean;
}

export interface Treemap {
  /** From large to small. */
  readonly cells: readonly Cell[];
  /** Of more than one package. */
  readonly groups: readonly Group[];
}

/** Height of a group's title, and the least size of a group that gets one. */
export const TITLE_HEIGHT = 17;
const TITLED_WIDTH = 60;
const TITLED_HEIGHT = 46;

/** Divides an area among packages by what `sizeOf` says; those of one name lie together. */
export function layoutTreemap(
  packages: readonly Package[],
  sizeOf: (one: Package) => number,
  area: Rectangle,
): Treemap {
  const families = familiesOf(packages, sizeOf);
  const places = squarify(
    families.map(({ size }) => size),
    area,
  );
  const cells: Cell[] = [];
  const groups: Group[] = [];
  for (const [at, { name, members }] of families.entries()) {
    const place = places[at] as Rectangle;
    const single = members.length === 1;
    const titled = !single && place.width >= TITLED_WIDTH && place.height >= TITLED_HEIGHT;
    if (!single) groups.push({ ...place, name, titled });
    const inner = titled ? { ...place, y: place.y + TITLE_HEIGHT, height: place.height - TITLE_HEIGHT } : place;
    const pieces = squarify(members.map(sizeOf), inner);
    for (const [index, one] of members.entries()) {
      cells.push({ ...(pieces[index] as Rectangle), package: one, single });
    }
  }
  cells.sort((a, b) => sizeOf(b.package) - sizeOf(a.package));
  return { cells, groups };
}

interface Family {
  readonly name: string;
  readonly size: number;
  /** From large to small. */
  readonly members: readonly Package[];
}

function familiesOf(packages: readonly Package[], sizeOf: (one: Package) => number): Family[] {
  const byName = new Map<string, Package[]>();
  for (const one of packages) {
    const members = byName.get(one.name);
    if (members === undefined) byName.set(one.name, [one]);
    else members.push(one);
  }
  const families = [...byName].map(([name, members]) => ({
    name,
    size: members.reduce((sum, one) => sum + sizeOf(one), 0),
    members: members.toSorted((a, b) => sizeOf(b) - sizeOf(a)),
  }));
  return families.sort((a, b) => b.size - a.size);
}

/** The cell at a point. */
export function cellAt({ cells }: Treemap, x: number, y: number): Cell | undefined {
  return cells.find((cell) => x >= cell.x && x < cell.x + cell.width && y >= cell.y && y < cell.y + cell.height);
}
