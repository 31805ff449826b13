import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  buildImage,
  buildIndex,
  buildPackage,
  FolderPruneScene,
  keptBy,
  linkTo,
  namesOf,
  plannedIn,
  putPackage,
  putReferrer,
  type TestPackage,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { jsonDocument } from "../oci/document.js";
import { OCI_INDEX } from "../oci/media-type.js";
import { planPrune, prune } from "./prune.js";

const DAY_MS = 24 * 60 * 60 * 1000;

const scene = new FolderPruneScene();
const { options, fill, age, indexed } = scene;
const { lib, tool, app, other } = scene.packages;

describe("images that aren't packages", () => {
  it("stay, with the packages that they are of, unless all tags are to go", async () => {
    await fill(lib, app, other);
    await scene.store.write(other.manifest, { tag: "production" });
    const foreign = buildImage("foreign");
    for (const blob of foreign.blobs) await scene.store.put(blob);
    await scene.store.write(foreign.manifest, { tag: "foreign" });
    await age(DAY_MS);
    const plan = await planPrune(options({ keep: ["app"] }));
    expect(plan.images).toEqual([]);
    expect(plan.otherTags).toContainEqual({ tag: "foreign", why: "other-tag" });
    const result = await prune(options({ keep: ["app"], allTags: true }));
    expect(result.images.flatMap((one) => one.tags).sort()).toEqual(["foreign", other.tag, "production"].sort());
    expect(await namesOf(scene.store)).toEqual(["app", "index.spack", "lib"]);
  });

  it("are roots where a pattern names them", async () => {
    await fill(lib, app, other);
    await scene.store.write(other.manifest, { tag: "v1.0" });
    await scene.store.write(other.manifest, { tag: "v1x0" });
    await age(DAY_MS);
    const plan = await planPrune(options({ keepTags: ["v?.*"], allTags: true }));
    expect(keptBy(plan)).toEqual({ lib: "dependency", other: "tag" });
    expect(plannedIn(plan)).toEqual(["app"]);
  });

  it("keep the images that an index names, and all of their layers", async () => {
    await fill(lib, app);
    const { index, images } = buildIndex("multi", ["linux/amd64", "linux/arm64"]);
    for (const { blobs, manifest } of images) {
      for (const blob of blobs) await scene.store.put(blob);
      await scene.store.write(manifest);
    }
    const nested = jsonDocument(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [linkTo(index)] });
    await scene.store.write(index);
    await scene.store.write(nested, { tag: "nested" });
    await age(DAY_MS);
    await prune(options({ keep: ["app"] }));
    for (const one of [index, ...images.map(({ manifest }) => manifest)]) {
      expect(await scene.store.resolve(one.descriptor.digest)).toBeDefined();
    }
    for (const { descriptor } of images.flatMap(({ blobs }) => blobs))
      expect(await scene.store.has(descriptor)).toBe(true);
  });

  it("go with their subject if they are about one, and stay with it", async () => {
    await fill(lib, app, other);
    const notes = [await putReferrer(scene.store, app), await putReferrer(scene.store, other)];
    const second = await putReferrer(scene.store, { manifest: notes[1] as TestPackage["manifest"] });
    await putReferrer(scene.store, other, `sha256-${other.manifest.descriptor.digest.slice(7)}.sig`);
    await age(DAY_MS);
    const result = await prune(options({ keep: ["app"] }));
    expect(result.images.map(({ kind }) => kind)).toEqual(["referrer", "referrer", "referrer", "package"]);
    expect(await scene.store.referrers(app.manifest.descriptor.digest)).toHaveLength(1);
    for (const one of [notes[1], second])
      expect(await scene.store.resolve(one?.descriptor.digest ?? "")).toBeUndefined();
  });

  it("in a folder lose what only an untagged package or index of before needed", async () => {
    await fill(lib, app);
    const before = buildPackage("app", { dependencies: [lib], buildDependencies: [tool], comment: "before" });
    expect(before.hash).toBe(app.hash);
    await putPackage(scene.store, before);
    await untag(before.tag);
    await putPackage(scene.store, app);
    await age(DAY_MS);
    const result = await prune(options({ keep: ["app"] }));
    expect(result.images).toMatchObject([{ digest: before.manifest.descriptor.digest, tags: [], outcome: "removed" }]);
    expect(await indexed()).toEqual(["app", "lib"]);
    expect(await scene.store.has(before.config.descriptor)).toBe(false);
    expect(await scene.store.has(app.layer.descriptor)).toBe(true);
  });
});

/** Takes a tag off its entry, as skopeo does with an image whose tag it gives to another. */
async function untag(tag: string): Promise<void> {
  const path = join(scene.folder, "cache/index.json");
  const index = JSON.parse(await readFile(path, "utf8")) as { manifests: { annotations?: Record<string, string> }[] };
  for (const entry of index.manifests) {
    if (entry.annotations?.["org.opencontainers.image.ref.name"] === tag) delete entry.annotations;
  }
  await writeFile(path, JSON.stringify(index));
}
