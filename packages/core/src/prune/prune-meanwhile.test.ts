import { buildPackage, FolderPruneScene, namesOf, putPackage, type TestPackage } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { IndexEntry } from "../catalog/merge-index.js";
import { addToIndex } from "../catalog/write-index.js";
import { parseSpecFile } from "../spack/spec-file.js";
import type { PruneOptions } from "./options.js";
import { planPrune, prune } from "./prune.js";

const DAY_MS = 24 * 60 * 60 * 1000;

const scene = new FolderPruneScene();
const { options, fill, age, indexed } = scene;
const { lib, tool, app, other } = scene.packages;

describe("a push at the same time", () => {
  /** Prunes, and lets `meanwhile` happen after the plan was made. */
  async function pruneWhile(meanwhile: () => Promise<void>, more: Partial<PruneOptions>) {
    const confirm = async (): Promise<boolean> => {
      await meanwhile();
      return true;
    };
    return prune(options({ ...more, confirm }));
  }

  it("keeps what it pushes and what that needs", async () => {
    await fill(lib, tool, app);
    await age(DAY_MS);
    const result = await pruneWhile(() => fill(other), { keep: ["tool"] });
    expect(result.images.map(({ package: one, outcome }) => [one?.name, outcome]).sort()).toEqual([
      ["app", "removed"],
      ["lib", "left"],
    ]);
    expect(await namesOf(scene.store)).toEqual(["index.spack", "lib", "other", "tool"]);
    expect(await indexed()).toEqual(["lib", "other", "tool"]);
    for (const blob of [...other.layers, other.config]) expect(await scene.store.has(blob.descriptor)).toBe(true);
  });

  it("keeps a tag that it moves, with what that needs", async () => {
    await fill(lib, tool, app);
    await age(DAY_MS);
    const again = buildPackage("app", {
      dependencies: [lib],
      buildDependencies: [tool],
      withLayers: true,
      comment: "again",
    });
    await pruneWhile(() => putPackage(scene.store, again), { keep: ["tool"] });
    expect(await namesOf(scene.store)).toEqual(["app", "index.spack", "lib", "tool"]);
    expect(await indexed()).toEqual(["app", "lib", "tool"]);
    expect((await scene.store.resolve(app.tag))?.digest).toBe(again.manifest.descriptor.digest);
    for (const blob of again.layers) expect(await scene.store.has(blob.descriptor)).toBe(true);
  });

  it("keeps an image that it gives another name", async () => {
    await fill(lib, tool, app);
    await age(DAY_MS);
    await pruneWhile(() => scene.store.write(app.manifest, { tag: "release" }), { keep: ["tool"] });
    expect(await namesOf(scene.store)).toEqual(["app", "index.spack", "lib", "release", "tool"]);
  });

  it("that names a package again while its tag is going loses the name at the end", async () => {
    await fill(lib, tool, app);
    await age(DAY_MS);
    const emit = (event: { readonly type: string; readonly step?: string }): void => {
      if (event.type === "step" && event.step === "sweep") late.push(indexed());
    };
    const late: Promise<string[]>[] = [];
    await pruneWhile(async () => {}, { keep: ["tool"] });
    await addToIndex(scene.store, [app, lib].flatMap(entriesOf));
    expect(await indexed()).toEqual(["app", "lib", "tool"]);
    const plan = await planPrune(options({ keep: ["tool"] }));
    expect(plan.indexOnly.map((one) => one.name).sort()).toEqual(["app", "lib"]);
    await prune(options({ keep: ["tool"] }), { emit });
    expect(await Promise.all(late)).toEqual([["tool"]]);
  });
});

describe("a prune that is stopped", () => {
  const STEPS = ["index", "look-again", "remove", "sweep"];

  it.each(STEPS)("at the step %s leaves a valid cache, and the next one finishes", async (step) => {
    await fill(lib, tool, app, other);
    await age(DAY_MS);
    const stop = new AbortController();
    const emit = (event: { readonly type: string; readonly step?: string }): void => {
      if (event.type === "step" && event.step === step) stop.abort(new Error("enough"));
    };
    await expect(prune(options({ keep: ["app"] }), { signal: stop.signal, emit })).rejects.toThrow("enough");
    // Whatever the index names is there.
    const tagged = await namesOf(scene.store);
    for (const one of await indexed()) expect(tagged).toContain(one);
    for (const blob of [...app.layers, app.config]) expect(await scene.store.has(blob.descriptor)).toBe(true);
    await prune(options({ keep: ["app"] }));
    expect(await namesOf(scene.store)).toEqual(["app", "index.spack", "lib"]);
    expect(await indexed()).toEqual(["app", "lib"]);
    expect(await scene.store.has(other.layer.descriptor)).toBe(false);
  });
});

function entriesOf(one: TestPackage): IndexEntry[] {
  const { root } = parseSpecFile(`{"spec":{"_meta":{"version":5},"nodes":[${one.nodes.join(",")}]}}`, one.name);
  return [{ spec: root, inBuildcache: true }];
}
