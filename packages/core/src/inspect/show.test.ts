import { readFile } from "node:fs/promises";
import {
  buildPackage,
  createTemporaryFolder,
  fixturePath,
  putIndex,
  putPackage,
  type TemporaryFolder,
  type TestPackage,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Digest } from "../base/digest.js";
import { jsonDocument } from "../oci/document.js";
import { parseManifest } from "../oci/manifest.js";
import { OCI_CONFIG, OCI_MANIFEST } from "../oci/media-type.js";
import { blobOf } from "../oci/store.js";
import { packageTag } from "../spack/tag.js";
import { openLayout } from "../store/layout.js";
import { showPackage } from "./show.js";

const SMALL = `oci:${fixturePath("small/cache")}`;

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(() => folder.remove());

const source = (): string => `oci:${folder.path}`;

async function push(packages: readonly TestPackage[], index?: 7 | 8): Promise<void> {
  const store = await openLayout(folder.path, { create: true });
  for (const one of packages) await putPackage(store, one);
  if (index !== undefined) await putIndex(store, packages, index);
}

describe("showPackage of what Spack pushed", () => {
  it("tells whose each layer is and who shares it", async () => {
    const shown = await showPackage({ source: SMALL, spec: "greeter" });
    expect(shown).toMatchObject({
      image: `${SMALL}:greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh.spack`,
      digest: "sha256:82c3a5ec341608fafe8446b7417be137080664c5694cc46e30bf9aa1b2908faa",
      platform: "linux/amd64",
      package: { name: "greeter", version: "2.1", compilers: [{ name: "gcc", version: "12.2.0", languages: ["c"] }] },
      libc: { name: "glibc", version: "2.36" },
      missing: [],
      dependents: [{ name: "greet-plugin" }],
    });
    expect(shown.base).toBeUndefined();
    const layers = shown.layers.map(({ package: owner, kind, sharedBy }) => [owner?.name, kind, sharedBy]);
    expect(layers).toEqual([
      ["gcc-runtime", "package", 4],
      ["libgreet", "package", 2],
      ["greeter", "package", 1],
    ]);
    expect(shown.run.env).toContainEqual(expect.stringMatching(/^PATH=.*greeter-2\.1-53zaetj/));
    expect(shown.dependencies.map(({ name, state }) => [name, state])).toEqual([
      ["compiler-wrapper", "missing"],
      ["gcc", "external"],
      ["gcc-runtime", "present"],
      ["glibc", "external"],
      ["gmake", "external"],
      ["libgreet", "present"],
    ]);
  });

  it("reads no layer, unless it is to measure them", async () => {
    const { layers, totals } = await showPackage({ source: SMALL, spec: "libgreet" });
    expect(totals).toEqual({ size: layers.reduce((sum, { size }) => sum + size, 0), plainSize: null });
    const measured = await showPackage({ source: SMALL, spec: "libgreet", measure: true });
    // Sizes of the plain tars as `gzip -l` has them.
    expect(measured.layers.map(({ plainSize }) => plainSize)).toEqual(await plainSizes(measured.layers));
    expect(measured.totals.plainSize).toBe(measured.layers.reduce((sum, { plainSize }) => sum + (plainSize ?? 0), 0));
  });

  it("finds the base image below the packages", async () => {
    // The samples are indented, so their digests are others.
    const [manifest, config] = await Promise.all([readSample("manifest"), readSample("config")]);
    const configDocument = jsonDocument(OCI_CONFIG, config);
    const { mediaType, digest, size } = configDocument.descriptor;
    const document = jsonDocument(OCI_MANIFEST, { ...manifest, config: { mediaType, digest, size } });
    const { layers } = parseManifest(document, "sample");
    const store = await openLayout(folder.path, { create: true });
    await store.put(blobOf(configDocument));
    const [node] = config.spec.nodes;
    await store.write(document, { tag: packageTag(node) });
    // The dependencies are there with the layers that they have in the image.
    const small = await openLayout(fixturePath("small/cache"));
    for await (const tag of small.tags()) {
      const own = tag === "index.spack" ? undefined : await small.read(tag);
      if (own !== undefined && tag !== packageTag(node)) await store.write(own, { tag });
    }
    const shown = await showPackage({ source: source(), spec: "greeter" });
    expect(shown.layers.map(({ kind }) => kind)).toEqual(["base", "package", "package", "package"]);
    expect(shown.base).toEqual({ layers: 1, size: layers[0]?.size });
    expect(shown.dependents).toBeUndefined();
  });
});

async function readSample(what: "manifest" | "config") {
  return JSON.parse(await readFile(fixturePath(`samples/with-base.greeter.${what}.json`), "utf8"));
}

/** What the trailers of layers, each of one gzip member, say. */
async function plainSizes(layers: readonly { digest: Digest }[]): Promise<number[]> {
  const files = layers.map(({ digest }) => readFile(fixturePath(`small/cache/blobs/sha256/${digest.slice(7)}`)));
  return (await Promise.all(files)).map((bytes) => bytes.readUInt32LE(bytes.length - 4));
}

describe("showPackage", () => {
  const zlib = buildPackage("zlib", { version: "1.3.1", archivedAt: "2026-01-02T03:04:05+00:00" });
  const app = buildPackage("app", { dependencies: [zlib], withLayers: true });

  it("says what is missing in the cache, and doesn't guess whose layers are", async () => {
    await push([app], 8);
    const { layers, missing, dependents, base } = await showPackage({ source: source(), spec: "app" });
    expect(missing).toEqual([{ name: "zlib", version: "1.3.1", hash: zlib.hash }]);
    expect(layers.map(({ kind, package: owner }) => [kind, owner?.name])).toEqual([
      ["unknown", undefined],
      ["package", "app"],
    ]);
    expect({ dependents, base }).toEqual({ dependents: [], base: undefined });
  });

  it("knows less of a cache without an index", async () => {
    await push([app, zlib]);
    const { layers, dependents, created } = await showPackage({ source: source(), spec: "zlib" });
    expect(layers.map(({ sharedBy }) => sharedBy)).toEqual([undefined]);
    expect(dependents).toBeUndefined();
    expect(created).toBe("2026-01-02T03:04:05.000Z");
    const other = await showPackage({ source: source(), spec: "app" });
    expect(other.layers.map(({ package: owner }) => owner?.name)).toEqual(["zlib", "app"]);
  });

  it("shows a package that doesn't run here, and why not", async () => {
    const alien = buildPackage("alien", { target: "z80", specfile: 4 });
    await push([alien], 7);
    const { fit, package: shown, libc } = await showPackage({ source: source(), spec: "alien" });
    expect(fit).toEqual({ ok: false, why: expect.stringContaining("z80") });
    expect(shown.compilers).toEqual([{ name: "gcc", version: "12.2.0", languages: [] }]);
    expect(libc).toBe("unknown");
  });

  it("lists what a spec can mean", async () => {
    const others = ["1.0", "2.0"].map((version) => buildPackage("tool", { version, target: "z80" }));
    await push(others, 8);
    await expect(showPackage({ source: source(), spec: "tool" })).rejects.toMatchObject({
      code: "AMBIGUOUS_SPEC",
      hint: expect.stringMatching(/^Choose one by its hash:\n {2}tool@1\.0\/.*\n {2}tool@2\.0\//),
    });
  });

  it("names the image that the index has and the cache hasn't", async () => {
    const store = await openLayout(folder.path, { create: true });
    await putIndex(store, [zlib]);
    await expect(showPackage({ source: source(), spec: "zlib" })).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      message: expect.stringContaining(`there is no image ${source()}:${zlib.tag}`),
    });
  });

  it("refuses an image that holds another package", async () => {
    const store = await openLayout(folder.path, { create: true });
    await putPackage(store, { ...app, tag: zlib.tag });
    await putIndex(store, [zlib]);
    await expect(showPackage({ source: source(), spec: "zlib" })).rejects.toMatchObject({ code: "DAG_HASH_MISMATCH" });
  });

  it("names the layer that it can't measure", async () => {
    await push([zlib], 8);
    await expect(showPackage({ source: source(), spec: "zlib", measure: true })).rejects.toMatchObject({
      code: "ARCHIVE_REFUSED",
      message: expect.stringContaining(zlib.layer.descriptor.digest),
    });
  });
});
