import { describe, expect, it } from "vitest";
import { growthOf, thinOut } from "./growth.js";
import { countDependents, createModel, filterPackages, type Model, type Package, summarize } from "./model.js";
import type { PageData, PagePackage } from "./page-data.js";
import { sortPackages } from "./sort-packages.js";
import { cellAt, layoutTreemap, TITLE_HEIGHT } from "./treemap.js";

const MINUTE = 60_000;

function packageOf(name: string, more: Partial<PagePackage> = {}): PagePackage {
  const plain = { version: "1.0", hash: `${name}hash`, spec: `${name}@=1.0 +shared`, image: "", digest: "" };
  return {
    name,
    ...plain,
    architecture: 0,
    layers: [],
    documents: 10,
    created: null,
    runs: [],
    builds: [],
    lacks: [],
    ...more,
  };
}

/** zlib, then hdf5 over zlib, then app over hdf5, built with zlib; and another zlib for another machine. */
const DATA: PageData = {
  source: "oci:cache",
  program: "spkoci",
  queries: [],
  architectures: ["linux-debian12-zen4", "linux-debian12-x86_64_v3"],
  layers: [
    { digest: "a", size: 100, package: 0 },
    { digest: "b", size: 1000, package: 1 },
    { digest: "c", size: 50, package: 2 },
    { digest: "d", size: 110, package: 3 },
  ],
  packages: [
    packageOf("zlib", { layers: [0], created: 5 * MINUTE }),
    packageOf("hdf5", { layers: [0, 1], runs: [0], created: 3 * MINUTE + 1 }),
    packageOf("app", { layers: [0, 1, 2], runs: [1], builds: [0], created: 3 * MINUTE + 2 }),
    packageOf("zlib", { version: "1.2", layers: [3], architecture: 1 }),
  ],
  broken: [],
};

const model: Model = createModel(DATA);
const [zlib, hdf5, app, older] = model.packages as [Package, Package, Package, Package];

describe("createModel", () => {
  it("knows sizes, and who needs a package to run and who to build", () => {
    expect(hdf5).toMatchObject({ own: 1000, whole: 1110, neededBy: [2], buildNeededBy: [] });
    expect(zlib).toMatchObject({ own: 100, whole: 110, neededBy: [1], buildNeededBy: [2] });
  });

  it("counts those that need a package through others", () => {
    expect([zlib, hdf5, app].map((one) => countDependents(model, one))).toEqual([2, 1, 0]);
  });

  it("counts in a circle of dependencies, too", () => {
    const packages = [packageOf("a", { runs: [1] }), packageOf("b", { runs: [0] })];
    const circle = createModel({ ...DATA, packages });
    expect(countDependents(circle, circle.packages[0] as Package)).toBe(1);
  });
});

describe("filterPackages", () => {
  const found = (words: string, architecture?: number): readonly Package[] =>
    filterPackages(model, { words, architecture });

  it("takes packages with all the words, whatever their case and order", () => {
    expect(found("SHARED zlib")).toEqual([zlib, older]);
    expect(found("zlib@1.2")).toEqual([older]);
    expect(found("/app")).toEqual([app]);
    expect(found("zen4")).toEqual([zlib, hdf5, app]);
    expect(found("zlib nothing")).toEqual([]);
  });

  it("takes all packages of one architecture", () => {
    expect(found("", 1)).toEqual([older]);
    expect(found(" ")).toHaveLength(4);
  });
});

describe("summarize", () => {
  it("counts each layer once, and tells which are shared, those first that save most", () => {
    const { stored, unshared, shared } = summarize(model, model.packages);
    expect(stored).toBe(1260 + 40);
    expect(unshared).toBe(300 + 2000 + 50 + 110 + 40);
    expect(shared).toEqual([
      { digest: "b", size: 1000, package: 1, images: 2 },
      { digest: "a", size: 100, package: 0, images: 3 },
    ]);
  });

  it("is of the packages that are shown only", () => {
    expect(summarize(model, [zlib, older])).toEqual({ stored: 230, unshared: 230, shared: [] });
  });
});

describe("sortPackages", () => {
  it("sorts by a number either way, those that are alike by name, those without a date last", () => {
    expect(sortPackages(model.packages, { key: "own", descending: true })).toEqual([hdf5, older, zlib, app]);
    expect(sortPackages(model.packages, { key: "neededBy", descending: false })).toEqual([app, older, zlib, hdf5]);
    expect(sortPackages(model.packages, { key: "created", descending: true })).toEqual([zlib, app, hdf5, older]);
    expect(sortPackages(model.packages, { key: "name", descending: true })[0]).toBe(older);
  });
});

describe("growthOf", () => {
  it("has a point for each minute, with a layer counted where it came first", () => {
    expect(growthOf(model, model.packages)).toEqual([
      { time: 3 * MINUTE, packages: 2, stored: 1150 + 20 },
      { time: 5 * MINUTE, packages: 3, stored: 1150 + 30 },
    ]);
    expect(growthOf(model, [older])).toEqual([]);
  });

  it("is thinned out to its ends and what lies between", () => {
    const points = Array.from({ length: 1000 }, (_, time) => ({ time, packages: time, stored: time }));
    const thin = thinOut(points, 11);
    expect(thin).toHaveLength(11);
    expect([thin[0]?.time, thin[5]?.time, thin[10]?.time]).toEqual([0, 500, 999]);
    expect(thinOut(points.slice(0, 3), 11)).toHaveLength(3);
  });
});

describe("layoutTreemap", () => {
  const area = { x: 0, y: 0, width: 800, height: 400 };
  const map = layoutTreemap(model.packages, (one) => one.own, area);

  it("lays packages of one name together, below their name", () => {
    const [group] = map.groups;
    expect(map.groups).toHaveLength(1);
    expect(group).toMatchObject({ name: "zlib", titled: true });
    for (const cell of map.cells.filter(({ package: { name } }) => name === "zlib")) {
      expect(cell.y).toBeGreaterThanOrEqual((group?.y ?? 0) + TITLE_HEIGHT);
      expect(cell.single).toBe(false);
    }
  });

  it("lists cells from large to small, and finds the one at a point", () => {
    expect(map.cells.map((cell) => cell.package)).toEqual([hdf5, older, zlib, app]);
    for (const cell of map.cells) {
      expect(cellAt(map, cell.x + cell.width / 2, cell.y + cell.height / 2)).toBe(cell);
    }
    expect(cellAt(map, -1, 5)).toBeUndefined();
  });
});
