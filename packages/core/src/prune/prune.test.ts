import { cp, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  buildImage,
  buildPackage,
  FolderPruneScene,
  fixturePath,
  keptBy,
  namesOf,
  plannedIn,
  putPackage,
  type TestPackage,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { PruneOptions } from "./options.js";
import { planPrune, prune } from "./prune.js";
import type { PrunePlan } from "./result.js";

const DAY_MS = 24 * 60 * 60 * 1000;

const scene = new FolderPruneScene();
const { options, fill, age, indexed } = scene;
const { lib, tool, app, other } = scene.packages;

describe("prune of a folder", () => {
  it("keeps what matches with what it needs to run, and removes the rest with all that only that needs", async () => {
    await fill(lib, tool, app, other);
    await age(DAY_MS);
    const result = await prune(options({ keep: ["app"] }));
    expect(keptBy(result)).toEqual({ app: "query", lib: "dependency" });
    expect(plannedIn(result)).toEqual(["other", "tool"]);
    expect(result.totals).toMatchObject({ removed: 2, left: 0, failed: 0 });
    expect(await namesOf(scene.store)).toEqual(["app", "index.spack", "lib"]);
    expect(await indexed()).toEqual(["app", "lib"]);
    for (const one of [app, lib]) {
      for (const blob of [...one.layers, one.config]) expect(await scene.store.has(blob.descriptor)).toBe(true);
    }
    for (const one of [other, tool]) {
      for (const blob of [one.layer, one.config, one.manifest])
        expect(await scene.store.has(blob.descriptor)).toBe(false);
    }
  });

  it("does nothing more the second time", async () => {
    await fill(lib, app, other);
    await age(DAY_MS);
    await prune(options({ keep: ["app"] }));
    await age(DAY_MS);
    await prune(options({ keep: ["app"] }));
    const files = await readdir(scene.cache, { recursive: true });
    const plan = await planPrune(options({ keep: ["app"] }));
    expect(plan).toMatchObject({ images: [], indexOnly: [], blobs: { count: 0, bytes: 0 }, bytes: 0 });
    await prune(options({ keep: ["app"] }));
    expect(await readdir(scene.cache, { recursive: true })).toEqual(files);
  });

  it("counts the bytes beforehand, and changes nothing for a plan", async () => {
    await fill(lib, app, other);
    await age(DAY_MS);
    const files = await readdir(scene.cache, { recursive: true });
    const plan = await planPrune(options({ keep: ["app"] }));
    const sizeOf = [other.manifest, other.config, other.layer].reduce((sum, one) => sum + one.descriptor.size, 0);
    expect(plan).toMatchObject({ images: [{ bytes: sizeOf }], kept: expect.any(Array) });
    expect(plan.blobs?.bytes).toBeGreaterThanOrEqual(sizeOf);
    expect(await readdir(scene.cache, { recursive: true })).toEqual(files);
  });

  it("keeps build dependencies if told, tests of them not", async () => {
    await fill(lib, tool, app, other);
    await age(DAY_MS);
    const plan = await planPrune(options({ keep: ["app"], withBuildDependencies: true }));
    expect(keptBy(plan)).toEqual({ app: "query", lib: "dependency", tool: "dependency" });
  });

  it("asks first, and a no leaves everything", async () => {
    await fill(lib, app, other);
    await age(DAY_MS);
    const asked: string[][] = [];
    const confirm = async (plan: PrunePlan): Promise<boolean> => {
      asked.push(plannedIn(plan));
      return false;
    };
    const result = await prune(options({ keep: ["app"], confirm }));
    expect(asked).toEqual([["other"]]);
    expect(result).toMatchObject({ confirmed: false, totals: { removed: 0, bytes: 0 } });
    expect(await namesOf(scene.store)).toEqual(["app", "index.spack", "lib", "other"]);
  });

  it("looks into images where there is no index, and makes none", async () => {
    for (const one of [lib, app, other]) await putPackage(scene.store, one);
    await age(DAY_MS);
    await prune(options({ keep: ["other"] }));
    expect(await namesOf(scene.store)).toEqual(["lib", "other"]);
  });

  it("keeps the closure of an environment, of roots that the cache doesn't have too", async () => {
    await fill(lib, tool, other);
    await age(DAY_MS);
    const nodes = Object.fromEntries(app.nodes.map((text) => [(JSON.parse(text) as { hash: string }).hash, text]));
    const specs = Object.entries(nodes).map(([hash, text]) => `${JSON.stringify(hash)}:${text}`);
    const meta = '"_meta":{"file-type":"spack-lockfile","lockfile-version":6,"specfile-version":5}';
    const lock = `{${meta},"roots":[{"hash":"${app.hash}","spec":"app"}],"concrete_specs":{${specs.join(",")}}}`;
    await writeFile(join(scene.folder, "spack.lock"), lock);
    for (const path of [scene.folder, join(scene.folder, "spack.lock")]) {
      const plan = await planPrune(options({ keepEnvironments: [path] }));
      expect(keptBy(plan)).toEqual({ lib: "dependency" });
      expect(plannedIn(plan)).toEqual(["other", "tool"]);
    }
  });

  it("keeps real Spack's packages, and what it removes is what they don't need", async () => {
    await cp(fixturePath("small/cache"), scene.cache, { recursive: true });
    await age(DAY_MS);
    const result = await prune(options({ keep: ["greeter"] }));
    expect(keptBy(result)).toEqual({ "gcc-runtime": "dependency", greeter: "query", libgreet: "dependency" });
    expect(await namesOf(scene.store)).toEqual(["gcc-runtime", "greeter", "index.spack", "libgreet"]);
    expect(await indexed()).toEqual(["gcc-runtime", "greeter", "libgreet"]);
  });
});

describe("ages", () => {
  it("what was written lately stays, with what it needs", async () => {
    await fill(lib, tool, app);
    await age(2 * DAY_MS);
    await fill(other);
    const result = await prune(options({ keep: ["tool"], graceMs: DAY_MS }));
    expect(keptBy(result)).toEqual({ tool: "query", other: "grace", lib: "dependency" });
    expect(await namesOf(scene.store)).toEqual(["index.spack", "lib", "other", "tool"]);
  });

  it("blobs without a manifest stay for the grace period, since a push puts them first", async () => {
    await fill(lib, app);
    const orphan = buildImage("under way");
    for (const blob of orphan.blobs) await scene.store.put(blob);
    await age(DAY_MS);
    await prune(options({ keep: ["app"], graceMs: 2 * DAY_MS }));
    for (const { descriptor } of orphan.blobs) expect(await scene.store.has(descriptor)).toBe(true);
    await prune(options({ keep: ["app"] }));
    for (const { descriptor } of orphan.blobs) expect(await scene.store.has(descriptor)).toBe(false);
  });

  it("an old blob that is put again is as young as a new one", async () => {
    await fill(lib, app);
    const orphan = buildImage("again");
    for (const blob of orphan.blobs) await scene.store.put(blob);
    await age(2 * DAY_MS);
    for (const blob of orphan.blobs) await scene.store.put(blob);
    await prune(options({ keep: ["app"], graceMs: DAY_MS }));
    for (const { descriptor } of orphan.blobs) expect(await scene.store.has(descriptor)).toBe(true);
  });

  it("newer packages are roots by the time in their config, or else that of their file", async () => {
    const before = new Date(Date.now() - 100 * DAY_MS).toISOString();
    const lately = new Date(Date.now() - DAY_MS).toISOString();
    const old = buildPackage("old", { archivedAt: before });
    const young = buildPackage("young", { archivedAt: lately, dependencies: [lib] });
    const undated = buildPackage("undated", { archivedAt: "1970-01-01T00:00:00+00:00" });
    await fill(old, young, undated, lib);
    await age(50 * DAY_MS);
    const plan = await planPrune(options({ newerThanMs: 40 * DAY_MS }));
    expect(keptBy(plan)).toEqual({ young: "newer", lib: "dependency" });
    expect(plannedIn(plan)).toEqual(["old", "undated"]);
    const later = await planPrune(options({ newerThanMs: 60 * DAY_MS }));
    expect(plannedIn(later)).toEqual(["old"]);
  });
});

describe("what prune refuses", () => {
  it("to run without a root, or with one that the cache doesn't have", async () => {
    await fill(lib, app);
    const failure = (more: Partial<PruneOptions>) => expect(planPrune(options(more))).rejects;
    await failure({}).toMatchObject({ code: "INVALID_ARGUMENT" });
    await failure({ keep: ["ap"] }).toMatchObject({ code: "SPEC_NOT_FOUND", hint: "Did you mean app?" });
    await failure({ keep: ["app@7"] }).toMatchObject({ code: "SPEC_NOT_FOUND", hint: "The cache has app 1.0." });
    await failure({ keep: ["app", "zzz"] }).toMatchObject({ code: "SPEC_NOT_FOUND" });
    await failure({ keepTags: ["a(*"] }).toMatchObject({ code: "IMAGE_NOT_FOUND" });
    await failure({ keep: ["@@"] }).toMatchObject({ code: "INVALID_ARGUMENT" });
    await failure({ keepEnvironments: [scene.folder] }).toMatchObject({ code: "ENVIRONMENT_INVALID" });
  });

  it("to take a package that can't be read for one that isn't there", async () => {
    await fill(lib, app, other);
    const damage = (one: Pick<TestPackage["manifest"], "descriptor">) =>
      writeFile(join(scene.folder, "cache/blobs/sha256", one.descriptor.digest.slice(7)), "{ damaged");
    await damage(app.manifest);
    await damage(other.manifest);
    const failure = (keep: string) => expect(planPrune(options({ keep: [keep] }))).rejects;
    const unreadable = "of the cache that it may match can't be read";
    await failure("app").toMatchObject({
      code: "DOCUMENT_INVALID",
      message: `app is to be kept, but 1 image ${unreadable}: ${app.tag}`,
      hint: expect.stringContaining("spkoci check"),
    });
    await failure("%gcc").toMatchObject({
      message: `%gcc is to be kept, but 2 images ${unreadable}: ${[app.tag, other.tag].sort().join(", ")}`,
    });
    await failure("tool").toMatchObject({ code: "SPEC_NOT_FOUND" });
  });

  it("to remove everything", async () => {
    await fill(lib, app);
    await age(2 * DAY_MS);
    await expect(planPrune(options({ newerThanMs: DAY_MS }))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "everything in the cache would be removed",
    });
    expect(await namesOf(scene.store)).toEqual(["app", "index.spack", "lib"]);
  });

  it("to touch a package whose image can't be read, or blobs while a manifest can't", async () => {
    await fill(lib, app, other);
    const file = join(scene.folder, "cache/blobs/sha256", other.manifest.descriptor.digest.slice(7));
    await writeFile(file, "{ damaged");
    await age(DAY_MS);
    const warnings: string[] = [];
    const emit = (event: { readonly type: string; readonly message?: string }): void => {
      if (event.type === "warning") warnings.push(event.message ?? "");
    };
    const result = await prune(options({ keep: ["lib"] }), { emit });
    expect(plannedIn(result)).toEqual(["app"]);
    expect(await namesOf(scene.store)).toEqual(["index.spack", "lib", "other"]);
    expect(await scene.store.has(other.layer.descriptor)).toBe(true);
    expect(warnings.join("\n")).toMatch(/left alone: other-1\.0.*\n.*no blobs are removed: .* can't be read/s);
  });
});
