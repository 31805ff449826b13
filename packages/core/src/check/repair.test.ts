import { CheckScene, SMALL_HASHES as HASHES, type Json, SMALL_TAGS as TAGS } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { CheckOptions } from "./options.js";
import type { CheckResult } from "./result.js";

const scene = new CheckScene();
const run = (more?: Partial<CheckOptions>): Promise<CheckResult> => scene.run(undefined, more);

function changeRecord(name: keyof typeof HASHES, changes: object): Promise<void> {
  return scene.cache.changeIndex((installs) => void Object.assign(installs[HASHES[name]], changes));
}

function changeSpec(name: keyof typeof HASHES, changes: object): Promise<void> {
  return scene.cache.changeIndex((installs) => void Object.assign(installs[HASHES[name]].spec, changes));
}

const whatIsLeft = ({ findings }: CheckResult): string[] =>
  findings.filter(({ repaired }) => !repaired).map(({ code }) => code);

describe("a repair", () => {
  it.each<[string, () => Promise<void>]>([
    ["no index", async () => void (await scene.cache.store.delete("index.spack"))],
    [
      "an index that is cut off",
      async () => scene.cache.shortenBlob((await scene.cache.readManifest("index.spack")).layers[0].digest),
    ],
    [
      "a package without a record",
      () => scene.cache.changeIndex((installs) => void delete installs[HASHES["greet-plugin"]]),
    ],
    ["a package that is said to be absent", () => changeRecord("greeter", { in_buildcache: false })],
    [
      "a record that can't be read",
      () => scene.cache.changeIndex((installs) => void delete installs[HASHES.gmake].spec.name),
    ],
    [
      "a package's record that can't be read",
      () => scene.cache.changeIndex((all) => void delete all[HASHES.libgreet].spec.name),
    ],
    ["a record of another spec", () => changeSpec("greeter", { version: "9" })],
    ["a dependency's record of another spec", () => changeSpec("compiler-wrapper", { version: "9" })],
    ["a dependency without a record", () => scene.cache.changeIndex((installs) => void delete installs[HASHES.gmake])],
    ["a wrong ref_count", () => changeRecord("libgreet", { ref_count: 7 })],
  ])("of %s gives the index back that Spack wrote", async (_what, damage) => {
    const before = await scene.cache.readIndex();
    await damage();
    const result = await run({ repair: true });
    expect(result.findings.length).toBeGreaterThan(0);
    expect(whatIsLeft(result)).toEqual([]);
    expect(result.totals).toMatchObject({ errors: 0, warnings: 0, repaired: result.findings.length });
    expect((await run({ level: "contents" })).findings).toEqual([]);
    expect(await scene.cache.readIndex()).toEqual(before);
  });

  it("takes what has no tag out of the index, with what nothing needs then", async () => {
    await scene.cache.store.delete(TAGS["greet-plugin"]);
    await scene.cache.store.delete(TAGS.libgreet);
    const result = await run({ repair: true });
    expect(whatIsLeft(result)).toEqual(["DEPENDENCY_MISSING"]);
    const { installs } = (await scene.cache.readIndex()).database;
    expect(installs).not.toHaveProperty(HASHES["greet-plugin"]);
    // greeter needs it still.
    expect(installs[HASHES.libgreet]).toMatchObject({ in_buildcache: false, ref_count: 1 });
    expect(installs[HASHES.gmake].ref_count).toBe(3);
    expect(whatIsLeft(await run())).toEqual(["DEPENDENCY_MISSING"]);
  });

  it("adds no package that is broken itself", async () => {
    await scene.cache.changeIndex((installs) => {
      installs[HASHES.greeter].in_buildcache = false;
      installs[HASHES.libgreet].ref_count = 3;
    });
    await scene.cache.shortenBlob((await scene.cache.readManifest(TAGS.greeter)).layers.at(-1).digest);
    const result = await run({ repair: true });
    expect(whatIsLeft(result)).toEqual(["TAG_NOT_INDEXED", "BLOB_DAMAGED"]);
    expect(result.findings).toContainEqual(expect.objectContaining({ code: "REF_COUNT_WRONG", repaired: true }));
    expect((await scene.cache.readIndex()).database.installs[HASHES.greeter].in_buildcache).toBe(false);
  });

  it("keeps what others have written into records", async () => {
    await scene.cache.changeIndex((installs) => {
      installs[HASHES.greeter].mark = "mine";
      installs[HASHES.greeter].ref_count = 9;
    });
    await run({ repair: true });
    expect((await scene.cache.readIndex()).database.installs[HASHES.greeter]).toMatchObject({
      mark: "mine",
      ref_count: 1,
    });
  });

  it("writes nothing where nothing is wrong, or where only images are", async () => {
    const { digest } = (await scene.cache.store.resolve("index.spack")) ?? {};
    expect((await run({ repair: true })).totals.repaired).toBe(0);
    await scene.cache.shortenBlob((await scene.cache.readManifest(TAGS.greeter)).layers.at(-1).digest);
    expect(whatIsLeft(await run({ repair: true }))).toEqual(["BLOB_DAMAGED"]);
    expect((await scene.cache.store.resolve("index.spack"))?.digest).toBe(digest);
  });

  it("looks at images even where the index alone was to be checked", async () => {
    await scene.cache.changeIndex((installs: Json) => void delete installs[HASHES["greet-plugin"]]);
    expect(await run({ repair: true, level: "index" })).toMatchObject({ level: "manifests" });
    expect((await run()).findings).toEqual([]);
  });

  it("of some packages replaces no index that can't be read", async () => {
    const { digest } = (await scene.cache.readManifest("index.spack")).layers[0];
    await scene.cache.shortenBlob(digest);
    expect(whatIsLeft(await run({ repair: true, specs: ["greeter"] }))).toEqual(["INDEX_UNREADABLE"]);
  });
});
