import { readdir, readFile } from "node:fs/promises";
import { fixturePath, unpackFixtureStore } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { closureOf, imageLayersOf } from "./closure.js";
import { parseDatabase } from "./database.js";
import { type InstallRecord, type InstallStore, readInstallStore } from "./install-store.js";
import { packageTag } from "./tag.js";

async function withFixtureStore(task: (sysroot: string) => Promise<void>): Promise<void> {
  const fixture = await unpackFixtureStore();
  try {
    await task(fixture.path);
  } finally {
    await fixture.remove();
  }
}

interface Manifest {
  readonly layers: readonly { readonly digest: string }[];
}

async function storeOf(database: string): Promise<InstallStore> {
  const { records } = parseDatabase(await readFile(fixturePath(`${database}/store-index.json`), "utf8"), database);
  const root = "/opt/spack/opt/spack";
  return {
    root,
    records: new Map(
      [...records].map(([hash, { spec, path = "", installed, explicit }]) => [
        hash,
        { spec, prefix: path, path, installed, explicit, external: spec.external !== undefined, root },
      ]),
    ),
  };
}

function pick(store: InstallStore, ...names: readonly string[]): InstallRecord[] {
  return names.map((name) => {
    const found = [...store.records.values()].find(({ spec }) => spec.name === name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  });
}

const namesOf = (records: readonly InstallRecord[]): string[] => records.map(({ spec }) => spec.name);

/** Manifests of a real cache by tag. */
async function manifestsOf(database: string): Promise<ReadonlyMap<string, Manifest>> {
  if (database === "python") {
    const folder = fixturePath("python/manifests");
    const files = await readdir(folder);
    const read = async (file: string): Promise<Manifest> => JSON.parse(await readFile(`${folder}/${file}`, "utf8"));
    return new Map(
      await Promise.all(files.map(async (file) => [file.replace(/\.json$/, ""), await read(file)] as const)),
    );
  }
  const cache = fixturePath(`${database}/cache`);
  const index = JSON.parse(await readFile(`${cache}/index.json`, "utf8"));
  const manifests = new Map<string, Manifest>();
  for (const { digest, annotations } of index.manifests) {
    const text = await readFile(`${cache}/blobs/sha256/${digest.slice("sha256:".length)}`, "utf8");
    manifests.set(annotations["org.opencontainers.image.ref.name"], JSON.parse(text));
  }
  return manifests;
}

describe("imageLayersOf", () => {
  it.each([
    ["small", 5],
    ["python", 12],
  ])("gives the layers of every manifest of the %s cache in Spack's order", async (database, count) => {
    const store = await storeOf(database);
    const manifests = await manifestsOf(database);
    const packages = [...store.records.values()].filter(({ installed, external }) => installed && !external);
    expect(packages).toHaveLength(count);
    const ownLayer = new Map(
      packages.map((record) => [record, manifests.get(packageTag(record.spec))?.layers.at(-1)?.digest]),
    );
    for (const record of packages) {
      const expected = manifests.get(packageTag(record.spec))?.layers.map(({ digest }) => digest);
      expect(imageLayersOf(store, record).map((layer) => ownLayer.get(layer))).toEqual(expected);
    }
  });

  it("gives the layers of the real image over two roots", async () => {
    const store = await storeOf("small");
    const manifests = await manifestsOf("small");
    const image = JSON.parse(await readFile(fixturePath("samples/with-base.greetings.manifest.json"), "utf8"));
    const [, ...expected] = image.layers.map(({ digest }: { digest: string }) => digest);
    const digests = (roots: InstallRecord[]): unknown =>
      imageLayersOf(store, roots).map(({ spec }) => manifests.get(packageTag(spec))?.layers.at(-1)?.digest);
    expect(digests(pick(store, "greeter", "greet-plugin"))).toEqual(expected);
    expect(digests(pick(store, "greet-plugin", "greeter"))).toEqual(expected);
  });

  it("refuses edges that run in a circle", async () => {
    const store = await storeOf("small");
    const [libgreet, greeter] = pick(store, "libgreet", "greeter") as [InstallRecord, InstallRecord];
    const back = { name: "greeter", hash: greeter.spec.hash, deptypes: ["link"], virtuals: [] };
    const spec = { ...libgreet.spec, dependencies: [back] };
    const records = new Map([...store.records, [libgreet.spec.hash, { ...libgreet, spec }]]);
    expect(() => imageLayersOf({ ...store, records }, greeter)).toThrow(
      expect.objectContaining({ code: "SPEC_INVALID", message: expect.stringContaining("libgreet") }),
    );
  });
});

describe("closureOf", () => {
  it("follows link and run edges, and leaves out external packages", async () => {
    const store = await storeOf("small");
    const { packages, notInstalled } = closureOf(store, pick(store, "greet-plugin"));
    expect(namesOf(packages)).toEqual(["gcc-runtime", "libgreet", "greeter", "greet-plugin"]);
    expect(notInstalled).toEqual([]);
  });

  it("follows build edges when told, and says which packages aren't installed", async () => {
    const store = await storeOf("small");
    const { packages, notInstalled } = closureOf(store, pick(store, "greet-plugin"), { withBuildDependencies: true });
    expect(namesOf(packages)).toContain("greet-build-tool");
    expect(namesOf(packages).at(-1)).toBe("greet-plugin");
    expect(namesOf(notInstalled)).toEqual(["compiler-wrapper"]);
  });

  it("keeps to the roots, or to what they depend on", async () => {
    const store = await storeOf("small");
    const roots = pick(store, "greet-plugin", "greeter");
    expect(namesOf(closureOf(store, roots, { only: "package" }).packages).sort()).toEqual(["greet-plugin", "greeter"]);
    expect(namesOf(closureOf(store, roots, { only: "dependencies" }).packages)).toEqual(["gcc-runtime", "libgreet"]);
  });

  it("puts every dependency before its dependents", async () => {
    const store = await storeOf("python");
    const python = closureOf(store, pick(store, "python")).packages;
    expect(python).toHaveLength(12);
    const seen = new Set<string>();
    for (const { spec } of python) {
      for (const edge of spec.dependencies) {
        const dependency = store.records.get(edge.hash);
        const runtime = edge.deptypes.some((kind) => kind === "link" || kind === "run");
        if (runtime && dependency?.external === false) expect(seen).toContain(edge.hash);
      }
      seen.add(spec.hash);
    }
  });

  it("refuses a root that isn't installed, unless only its dependencies are asked for", async () => {
    const store = await storeOf("small");
    const roots = pick(store, "compiler-wrapper");
    expect(() => closureOf(store, roots)).toThrow(
      expect.objectContaining({ code: "SPEC_NOT_FOUND", message: expect.stringContaining("compiler-wrapper@1.0") }),
    );
    expect(closureOf(store, roots, { only: "dependencies" }).packages).toEqual([]);
  });

  it("names a dependency that the database lacks", async () => {
    await withFixtureStore(async (sysroot) => {
      const store = await readInstallStore({ root: "/opt/spack/opt/spack", sysroot });
      const records = new Map([...store.records].filter(([, { spec }]) => spec.name !== "libgreet"));
      expect(() => closureOf({ ...store, records }, pick(store, "greeter"))).toThrow(
        expect.objectContaining({
          code: "DATABASE_INVALID",
          message: expect.stringContaining("greeter@2.1 needs libgreet"),
        }),
      );
    });
  });
});
