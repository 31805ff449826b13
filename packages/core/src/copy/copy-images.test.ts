import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  allWith,
  buildImage,
  buildIndex,
  CopyScene,
  copyOutcomes,
  type FaultHook,
  GREETER_NAMES,
  tagsOf,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { hexOf } from "../base/digest.js";
import type { SpkociEvent } from "../base/events.js";
import type { Descriptor } from "../oci/descriptor.js";
import { type Document, jsonDocument } from "../oci/document.js";
import { parseManifest } from "../oci/manifest.js";
import { OCI_INDEX, OCI_MANIFEST } from "../oci/media-type.js";
import { blobOf, type Store } from "../oci/store.js";
import { openLayout } from "../store/layout.js";
import { planCopy } from "./copy.js";

const scene = new CopyScene();
const { path, place, start, storeAt, run } = scene;

describe("images under other tags", () => {
  async function sourceWithImages(): Promise<Store> {
    await run({ target: place("source"), queries: ["libgreet"] });
    const source = await openLayout(path("source"));
    const { index, images } = buildIndex("multi", ["linux/amd64", "linux/arm64"], { attestations: true });
    for (const { blobs, manifest } of images) {
      for (const blob of blobs) await source.put(blob);
      await source.write(manifest);
    }
    const members = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [linkOf(index.descriptor)] };
    await source.write(index);
    await source.write(jsonDocument(OCI_INDEX, members), { tag: "tools" });
    const single = buildImage("single");
    for (const blob of single.blobs) await source.put(blob);
    await source.write(single.manifest, { tag: "single" });
    return source;
  }

  it("are left where they are unless they are named", async () => {
    await sourceWithImages();
    expect(copyOutcomes(await run({ source: place("source"), target: place("target") }))).toEqual(
      allWith("copied", ["gcc-runtime", "libgreet"]),
    );
  });

  it("come with all their platforms and indexes within indexes", async () => {
    const source = await sourceWithImages();
    const host = await start();
    const target = `${host}/org/cache`;
    expect(copyOutcomes(await run({ source: place("source"), target, tags: ["tools"] }))).toMatchObject({
      tools: "copied",
    });
    const store = storeAt(host);
    expect(await store.resolve("tools")).toEqual(await source.resolve("tools"));
    expect(await store.resolve("single")).toBeUndefined();
    expect(copyOutcomes(await run({ source: place("source"), target, allTags: true }))).toEqual({
      ...allWith("skipped", ["gcc-runtime", "libgreet", "tools"]),
      single: "copied",
    });
  });

  it("that are moved at the source are moved at the target", async () => {
    const source = await sourceWithImages();
    await run({ source: place("source"), target: place("target"), tags: ["single"] });
    const other = buildImage("other");
    for (const blob of other.blobs) await source.put(blob);
    await source.write(other.manifest, { tag: "single" });
    expect(await planCopy({ source: place("source"), target: place("target"), tags: ["single"] })).toMatchObject({
      images: [{ tag: "single", action: "replace" }],
    });
    await run({ source: place("source"), target: place("target"), tags: ["single"] });
    expect(await (await openLayout(path("target"))).resolve("single")).toEqual(other.manifest.descriptor);
  });

  it("that lack a part fail, and get no tag", async () => {
    const source = await sourceWithImages();
    const { config } = buildImage("single");
    await rm(join(path("source"), "blobs/sha256", hexOf(config.descriptor.digest)));
    expect((await source.resolve("single"))?.digest).toBeDefined();
    const copied = await run({ source: place("source"), target: place("target"), tags: ["single", "tools"] });
    expect(copied.images.map(({ outcome, error }) => error?.code ?? outcome)).toEqual(["BLOB_NOT_FOUND", "copied"]);
    expect(await (await openLayout(path("target"))).resolve("single")).toBeUndefined();
  });

  it("that aren't there are told of before anything is sent", async () => {
    await expect(run({ target: place("target"), tags: ["nothere"] })).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
    });
    expect(await readdir(scene.folder)).toEqual([]);
  });

  it.each(["zlib-1.3-abcdefgh.spack", "index.spack", `sha256-${"0".repeat(64)}`, "a b", "../x"])(
    "can't be named %s",
    async (tag) => {
      await expect(run({ target: place("target"), tags: [tag] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(await readdir(scene.folder)).toEqual([]);
    },
  );

  it("of which a layer must not be distributed come without it, if it says where it is to be had", async () => {
    await run({ target: place("source"), queries: ["gcc-runtime"] });
    const source = await openLayout(path("source"));
    const image = buildImage("foreign");
    const foreign = buildImage("absent").layers[0]?.descriptor as Descriptor;
    for (const blob of image.blobs) await source.put(blob);
    const { config, layers } = parseManifest(image.manifest, "");
    const layer = {
      ...linkOf(foreign),
      mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      urls: ["https://a/b"],
    };
    const members = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: linkOf(config),
      layers: [layer, ...layers.map(linkOf)],
    };
    await source.write(jsonDocument(OCI_MANIFEST, members), { tag: "win" });
    const copied = await run({ source: place("source"), target: place("target"), tags: ["win"] });
    expect(copyOutcomes(copied)).toMatchObject({ win: "copied" });
    expect(await (await openLayout(path("target"))).has(foreign)).toBe(false);
  });
});

describe("what refers to images", () => {
  const EMPTY = jsonDocument("application/vnd.oci.empty.v1+json", {});

  function noteOf(subject: Descriptor, text: string): Document {
    return jsonDocument(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: "application/vnd.example.note",
      config: linkOf(EMPTY.descriptor),
      layers: [linkOf(EMPTY.descriptor)],
      subject: linkOf(subject),
      annotations: { text },
    });
  }

  /** The cache, in which the greeter has a note, and that a note of its own. */
  async function notedSource(): Promise<{
    readonly store: Store;
    readonly greeter: Descriptor;
    readonly notes: Document[];
  }> {
    await run({ target: place("source"), queries: ["greeter"] });
    const store = await openLayout(path("source"));
    const tag = (await tagsOf(store)).find((each) => each.startsWith("greeter-")) ?? "";
    const greeter = (await store.resolve(tag)) as Descriptor;
    await store.put(blobOf(EMPTY));
    const note = noteOf(greeter, "signed");
    const notes = [note, noteOf(note.descriptor, "countersigned")];
    for (const each of notes) await store.write(each);
    return { store, greeter, notes };
  }

  it.each([
    ["a registry with the API", {}],
    ["a registry without it", { referrers: false }],
  ])("comes along, with what refers to that, to %s and back to a folder", async (_what, options) => {
    const { greeter, notes } = await notedSource();
    const host = await start(options);
    expect((await run({ source: place("source"), target: `${host}/org/cache` })).totals).toMatchObject({
      referrers: 2,
    });
    expect((await run({ source: `${host}/org/cache`, target: place("back") })).totals).toMatchObject({ referrers: 2 });
    for (const store of [storeAt(host), await openLayout(path("back"))]) {
      const [first, ...others] = await store.referrers(greeter.digest);
      expect(others).toEqual([]);
      expect(first).toMatchObject({ digest: notes[0]?.descriptor.digest, annotations: { text: "signed" } });
      expect((await store.referrers(first?.digest as never)).map(({ digest }) => digest)).toEqual([
        notes[1]?.descriptor.digest,
      ]);
    }
  });

  it("comes along where the image is there already", async () => {
    await run({ target: place("target"), queries: ["greeter"] });
    const { greeter } = await notedSource();
    const copied = await run({ source: place("source"), target: place("target") });
    expect(copyOutcomes(copied)).toEqual(allWith("skipped", GREETER_NAMES));
    expect(copied.totals.referrers).toBe(2);
    expect(await (await openLayout(path("target"))).referrers(greeter.digest)).toHaveLength(1);
    expect((await run({ source: place("source"), target: place("target") })).totals.referrers).toBe(0);
  });

  it("is there before the tag is", async () => {
    const { greeter, notes } = await notedSource();
    const host = await start();
    await run({ source: place("source"), target: `${host}/org/cache` });
    const puts = scene.registry?.requestsOf("PUT", /\/manifests\//).map(({ path }) => path.replace(/.*\//, "")) ?? [];
    const note = puts.indexOf(notes[0]?.descriptor.digest ?? "");
    const tag = puts.findIndex((reference) => reference.startsWith("greeter-"));
    expect(puts.indexOf(greeter.digest)).toBeGreaterThanOrEqual(0);
    expect(puts.indexOf(greeter.digest)).toBeLessThan(note);
    expect(note).toBeLessThan(tag);
  });

  it("is left out with a warning where it is something else than a registry says", async () => {
    const host = await start();
    await run({ target: `${host}/a`, queries: ["gcc-runtime"] });
    const stranger = buildImage("stranger").manifest.descriptor;
    const faults: FaultHook = ({ path: at }) =>
      at.includes("/a/referrers/")
        ? {
            status: 200,
            headers: { "content-type": OCI_INDEX },
            body: { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [stranger] },
          }
        : undefined;
    if (scene.registry) scene.registry.faults = faults;
    const events: SpkociEvent[] = [];
    const copied = await run({ source: `${host}/a`, target: place("target") }, events);
    expect(copied.totals).toMatchObject({ copied: 1, referrers: 0 });
    expect(events).toContainEqual(
      expect.objectContaining({ type: "warning", message: expect.stringContaining(stranger.digest) }),
    );
  });
});

function linkOf({ mediaType, digest, size }: Descriptor) {
  return { mediaType, digest, size };
}
