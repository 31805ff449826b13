import { readFile } from "node:fs/promises";
import { buildImage, fixturePath } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { RawJson } from "../base/json.js";
import { collect } from "../base/streams.js";
import { documentOf } from "../oci/document.js";
import { type ImageConfig, parseImageConfig } from "../oci/image-config.js";
import { parseManifest } from "../oci/manifest.js";
import { type Family, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST } from "../oci/media-type.js";
import { openLayout } from "../store/layout.js";
import { type AssembledImage, assembleImage } from "./assemble-image.js";
import type { BaseImage } from "./base-image.js";
import { compareImages } from "./compare-images.js";
import { type ExistingImage, readExistingImage } from "./existing-image.js";
import type { ImageLayer } from "./image-layer.js";
import type { ImagePlan } from "./image-plan.js";

function layerOf(name: string): ImageLayer {
  const descriptor = { mediaType: OCI_LAYER_GZIP, digest: digestOf(`${name} packed`), size: 10 };
  return { descriptor, diffId: digestOf(name), dagHash: `hash-of-${name}`, title: `${name}@1` };
}

function baseOf(seed: string, family: Family): BaseImage {
  const image = buildImage(seed, { family });
  return {
    name: seed,
    descriptor: image.manifest.descriptor,
    family,
    manifest: parseManifest(image.manifest, seed),
    config: parseImageConfig(image.config.bytes, seed),
    platform: { os: "linux", architecture: "amd64" },
  };
}

function planOf(more: Partial<ImagePlan> = {}): ImagePlan {
  return {
    layers: [layerOf("zlib"), layerOf("tool")],
    spec: { json: new RawJson('{"nodes":[{"hash":"hash-of-tool"}]}'), version: 5 },
    environment: [{ kind: "prepend", name: "PATH", value: "/tool/bin" }],
    runEnv: "prefix",
    platform: { os: "linux", architecture: "amd64" },
    ...more,
  };
}

async function readBack(image: AssembledImage): Promise<ExistingImage> {
  return await readExistingImage(image.manifest, "image", async () => parseImageConfig(image.config.bytes, "config"));
}

function untitled(layers: readonly ImageLayer[], image: AssembledImage) {
  return layers.map(({ diffId, dagHash }, at) => ({ descriptor: image.packageLayers[at], diffId, dagHash }));
}

async function spackImage(tag: string): Promise<{ readonly existing: ExistingImage; readonly config: ImageConfig }> {
  const store = await openLayout(fixturePath("small/cache"));
  const document = (await store.read(tag)) ?? expect.unreachable();
  let config: ImageConfig | undefined;
  const existing = await readExistingImage(document, tag, async (descriptor) => {
    config = parseImageConfig(await collect(await store.open(descriptor), 1_000_000, tag), tag);
    return config;
  });
  return { existing, config: config ?? expect.unreachable() };
}

const GREETER = "greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh.spack";

describe("readExistingImage", () => {
  it("reads its own images from the manifest alone", async () => {
    const plan = planOf({ base: baseOf("base", "oci"), sourceDateEpoch: 1_700_000_000 });
    const image = assembleImage(plan);
    const existing = await readExistingImage(image.manifest, "image", () => expect.unreachable());
    expect(existing).toMatchObject({ byUs: true, dagHash: "hash-of-tool", runEnv: "prefix" });
    expect(existing.sourceDateEpoch).toBe(1_700_000_000);
    expect(existing.packageLayers).toEqual(untitled(plan.layers, image));
    expect(existing.own).toEqual(existing.packageLayers[1]);
    expect(existing.baseLayers).toEqual(image.baseLayers);
    expect(existing.config).toBeUndefined();
  });

  it("reads back where old paths stand, so that the image of another push is the same; what can't be read is left out", async () => {
    const layers = planOf().layers.map((layer) => ({ ...layer, pathOffsets: '{"binaries":[],"textFiles":[[7,2]]}' }));
    const image = assembleImage(planOf({ layers }));
    const existing = await readBack(image);
    expect(existing.own?.pathOffsets).toBe(layers[1]?.pathOffsets);
    expect(compareImages(image, existing)).toEqual([]);
    expect(compareImages(assembleImage(planOf()), existing)).toEqual(["annotations"]);
    for (const pathOffsets of ["", "{}", '{"binaries":[],"textFiles":[[-7]]}', "x".repeat(70_000)]) {
      const wrong = assembleImage(planOf({ layers: layers.map((layer) => ({ ...layer, pathOffsets })) }));
      expect((await readBack(wrong)).own).not.toHaveProperty("pathOffsets");
    }
  });

  it("reads its own images in Docker's media types with their config", async () => {
    const plan = planOf({ base: baseOf("base", "docker"), runEnv: "spack" });
    const image = assembleImage(plan);
    const existing = await readBack(image);
    expect(existing).toMatchObject({ byUs: true, dagHash: "hash-of-tool", runEnv: "spack" });
    expect(existing.packageLayers).toEqual(untitled(plan.layers, image));
    expect(existing.baseLayers).toEqual(image.baseLayers);
    expect(existing.sourceDateEpoch).toBeUndefined();
  });

  it("does not take the layers of a base that it made itself for the image's packages", async () => {
    const inner = assembleImage(planOf());
    const base: BaseImage = {
      ...baseOf("unused", "oci"),
      manifest: parseManifest(inner.manifest, "inner"),
      config: parseImageConfig(inner.config.bytes, "inner"),
    };
    const existing = await readBack(assembleImage(planOf({ base, layers: [layerOf("tool")] })));
    expect(existing.packageLayers.map(({ dagHash }) => dagHash)).toEqual(["hash-of-tool"]);
    expect(existing.baseLayers).toHaveLength(2);
  });

  it("reads the own layer of an image that Spack wrote", async () => {
    const { existing, config } = await spackImage(GREETER);
    expect(existing.byUs).toBe(false);
    expect(existing.dagHash).toBe("53zaetjpu7mwvi3vv3n2rag7yc3a4nuh");
    expect(existing.own).toEqual({
      descriptor: existing.manifest.layers.at(-1),
      diffId: config.rootfs.diff_ids.at(-1),
      dagHash: existing.dagHash,
    });
    expect(existing.packageLayers).toEqual([existing.own]);
    expect(existing.baseLayers).toBeUndefined();
    expect(existing.config).toBe(config);
  });

  it("finds no package in any other image", async () => {
    const image = buildImage("other");
    const existing = await readExistingImage(image.manifest, "image", async () =>
      parseImageConfig(image.config.bytes, "config"),
    );
    expect(existing).toMatchObject({ byUs: false, dagHash: undefined, own: undefined, packageLayers: [] });
  });

  it("does not trust marks that don't fit", async () => {
    const image = assembleImage(planOf({ base: baseOf("base", "docker") }));
    for (const mark of [7, { runEnv: "prefix", layers: [] }, { runEnv: "prefix", layers: ["a", "b", "c", "d", "e"] }]) {
      const config = { ...parseImageConfig(image.config.bytes, "config"), "dev.spkoci": mark };
      const existing = await readExistingImage(image.manifest, "image", async () => config);
      expect(existing.byUs).toBe(false);
    }
    const text = Buffer.from(assembleImage(planOf()).manifest.bytes).toString();
    const broken = documentOf(OCI_MANIFEST, Buffer.from(text.replaceAll('diff-id":"sha256:', 'diff-id":"md5:')));
    const config = parseImageConfig(assembleImage(planOf()).config.bytes, "config");
    expect((await readExistingImage(broken, "image", async () => config)).byUs).toBe(false);
  });

  it("refuses a document that is no image manifest", async () => {
    const index = documentOf(OCI_INDEX, await readFile(fixturePath("small/cache/index.json")));
    await expect(readExistingImage(index, "image", () => expect.unreachable())).rejects.toMatchObject({
      code: "DOCUMENT_INVALID",
    });
  });
});

describe("compareImages", () => {
  it("finds no difference between equal images", async () => {
    for (const family of ["oci", "docker"] as const) {
      const image = assembleImage(planOf({ base: baseOf("base", family) }));
      expect(compareImages(image, await readBack(image))).toEqual([]);
    }
  });

  it("names what differs", async () => {
    const existing = await readBack(assembleImage(planOf({ base: baseOf("base", "oci") })));
    const against = (more: Partial<ImagePlan>) =>
      compareImages(assembleImage(planOf({ base: baseOf("base", "oci"), ...more })), existing);
    expect(against({ base: baseOf("newer", "oci") })).toEqual(["base"]);
    expect(against({ layers: [layerOf("zlib-ng"), layerOf("tool")] })).toEqual(["layers"]);
    expect(against({ base: undefined, layers: [layerOf("tool")] })).toEqual(["base", "layers"]);
    expect(against({ environment: [] })).toEqual(["settings"]);
    expect(against({ settings: { source: "https://example.org" } })).toEqual(["annotations"]);
  });

  it("lets an image that Spack wrote stay if layers and start are the same", async () => {
    const { existing, config } = await spackImage(GREETER);
    const layers = existing.manifest.layers.map((descriptor, at) => ({
      ...layerOf(`layer${at}`),
      descriptor,
      diffId: config.rootfs.diff_ids[at] ?? expect.unreachable(),
    }));
    const environment = (config.config?.Env ?? []).map((line) => {
      const [name = "", value = ""] = line.split("=");
      // Spack's PATH names the package's folder twice.
      return { kind: "set" as const, name, value: [...new Set(value.split(":"))].join(":") };
    });
    const plan = planOf({ layers, environment });
    expect(compareImages(assembleImage(plan), existing)).toEqual([]);
    const user = compareImages(assembleImage({ ...plan, settings: { user: "www" } }), existing);
    expect(user).toEqual(["settings"]);
    expect(compareImages(assembleImage({ ...plan, base: baseOf("base", "oci") }), existing)).toEqual(["base"]);
    expect(compareImages(assembleImage({ ...plan, layers: layers.toReversed() }), existing)).toEqual(["layers"]);
  });
});
