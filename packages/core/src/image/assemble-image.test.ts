import { readFile } from "node:fs/promises";
import { fixturePath } from "@spkoci/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import type { SpkociError } from "../base/errors.js";
import { RawJson } from "../base/json.js";
import { collect } from "../base/streams.js";
import { documentOf } from "../oci/document.js";
import { type ImageConfig, parseImageConfig } from "../oci/image-config.js";
import { type Manifest, parseManifest } from "../oci/manifest.js";
import {
  DOCKER_CONFIG,
  DOCKER_LAYER_GZIP,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_LAYER_GZIP,
  OCI_LAYER_ZSTD,
  OCI_MANIFEST,
} from "../oci/media-type.js";
import { parseSpecFile } from "../spack/spec-file.js";
import { isPackageTag } from "../spack/tag.js";
import { openLayout } from "../store/layout.js";
import { assembleImage } from "./assemble-image.js";
import type { BaseImage } from "./base-image.js";
import type { ImageLayer } from "./image-layer.js";
import type { ImagePlan } from "./image-plan.js";

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

interface RealImage {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly configText: string;
}

const cache = new Map<string, RealImage>();

beforeAll(async () => {
  const store = await openLayout(fixturePath("small/cache"));
  for await (const tag of store.tags()) {
    if (!isPackageTag(tag)) continue;
    const document = await store.read(tag);
    const manifest = parseManifest(document ?? expect.unreachable(), tag);
    const bytes = await collect(await store.open(manifest.config), 1_000_000, tag);
    cache.set(tag.replace(/-[^-]+-[^-]+$/, ""), {
      manifest,
      config: parseImageConfig(bytes, tag),
      configText: bytes.toString(),
    });
  }
});

async function sample(name: string): Promise<RealImage> {
  const text = async (part: string) => await readFile(fixturePath(`samples/with-base.${name}.${part}.json`), "utf8");
  const configText = await text("config");
  const manifest = documentOf(OCI_MANIFEST, Buffer.from(await text("manifest")));
  return {
    manifest: parseManifest(manifest, name),
    config: parseImageConfig(Buffer.from(configText), name),
    configText,
  };
}

/** The plan that Spack's image would come from, its environment taken over as it is. */
function planOf(image: RealImage, base?: BaseImage): ImagePlan {
  const below = base?.manifest.layers.length ?? 0;
  const layers = image.manifest.layers.slice(below).map(
    (descriptor, at): ImageLayer => ({
      descriptor,
      diffId: image.config.rootfs.diff_ids[below + at] ?? expect.unreachable(),
      dagHash: `hash${at}`,
      title: `package${at}@1`,
    }),
  );
  const description = image.manifest.annotations?.["org.opencontainers.image.description"];
  return {
    base,
    layers,
    environment: (image.config.config?.Env ?? []).map((line) => {
      const [name = "", ...value] = line.split("=");
      return { kind: "set", name, value: value.join("=") };
    }),
    runEnv: "spack",
    platform: { os: "linux", architecture: "amd64" },
    ...(description === undefined ? {} : { description }),
    ...(image.config.spec === undefined
      ? {}
      : { spec: { json: parseSpecFile(image.configText, "config").spec, version: 5 } }),
  };
}

/** Config and manifest as values, the way a reader sees them. */
function read(plan: ImagePlan) {
  const image = assembleImage(plan);
  const parse = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString());
  return { image, config: parse(image.config.bytes), manifest: parse(image.manifest.bytes) };
}

function withoutAnnotations(layers: readonly { mediaType: string; digest: string; size: number }[]) {
  return layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
}

/** The base below the samples: what Spack's config says apart from the packages. */
function debian(image: RealImage, more: Partial<BaseImage> = {}): BaseImage {
  const { created, history, architecture, os } = image.config;
  const [layer = expect.unreachable()] = image.manifest.layers;
  return {
    name: "debian:12",
    reference: "docker.io/library/debian:12",
    descriptor: { mediaType: OCI_MANIFEST, digest: digestOf("base"), size: 4 },
    family: "oci",
    manifest: { schemaVersion: 2, mediaType: OCI_MANIFEST, config: image.manifest.config, layers: [layer] },
    config: {
      created,
      architecture,
      os,
      config: { Env: ["PATH=/usr/bin:/bin"], Cmd: ["bash"] },
      rootfs: { type: "layers", diff_ids: image.config.rootfs.diff_ids.slice(0, 1) },
      history,
    },
    platform: { os, architecture },
    ...more,
  };
}

describe("assembleImage beside what Spack wrote", () => {
  it.each(["gcc-runtime", "libgreet", "greeter", "greet-build-tool", "greet-plugin"])("%s without a base", (tag) => {
    const real = cache.get(tag) ?? expect.unreachable();
    const { config, manifest } = read(planOf(real));
    const { history, archive_timestamp, ...rest } = config;
    const { archive_timestamp: _time, ...expected } = JSON.parse(real.configText);
    expect(rest).toEqual(expected);
    expect(Object.keys(rest)).toEqual(Object.keys(expected));
    expect(archive_timestamp).toBe("1970-01-01T00:00:00+00:00");
    expect(history).toHaveLength(manifest.layers.length);
    expect(withoutAnnotations(manifest.layers)).toEqual(real.manifest.layers);
    expect(manifest.annotations).toMatchObject(real.manifest.annotations ?? {});
    expect(Object.keys(manifest)).toEqual(["mediaType", "schemaVersion", "config", "layers", "annotations"]);
  });

  it.each(["greeter", "greetings"])("%s with a base", async (name) => {
    const real = await sample(name);
    const { config, manifest } = read(planOf(real, debian(real)));
    const {
      created: _created,
      archive_timestamp: _time,
      history: baseHistory,
      ...expected
    } = JSON.parse(real.configText);
    const { history, archive_timestamp, ...rest } = config;
    expect(rest).toEqual(expected);
    expect(archive_timestamp === undefined).toBe(name === "greetings");
    expect(history.slice(0, baseHistory.length)).toEqual(baseHistory);
    expect(history.length - baseHistory.length).toBe(manifest.layers.length - 1);
    expect(withoutAnnotations(manifest.layers)).toEqual(real.manifest.layers);
  });

  it("keeps the spec's bytes", () => {
    const real = cache.get("greeter") ?? expect.unreachable();
    const text = '{"_meta":{"version":5},"nodes":[{"name":"a","version":"1.0","x":1.0,"big":12345678901234567890}]}';
    const image = assembleImage({ ...planOf(real), spec: { json: new RawJson(text), version: 5 } });
    expect(Buffer.from(image.config.bytes).toString()).toContain(`"spec":${text},"buildcache_layout_version":3`);
  });
});

describe("assembleImage", () => {
  let real: RealImage;
  let base: BaseImage;
  beforeAll(async () => {
    real = await sample("greeter");
    base = debian(real);
  });

  it("gives the same bytes for the same plan, with and without a time", () => {
    for (const sourceDateEpoch of [undefined, 0, 1_700_000_000]) {
      const plan = { ...planOf(real, base), sourceDateEpoch };
      expect(assembleImage(plan).manifest).toEqual(assembleImage(plan).manifest);
    }
  });

  it("writes the given time, and no time otherwise", () => {
    const { config, manifest } = read({ ...planOf(real, base), sourceDateEpoch: 1_700_000_000 });
    expect(config.created).toBe("2023-11-14T22:13:20Z");
    expect(config.archive_timestamp).toBe("2023-11-14T22:13:20+00:00");
    expect(config.history.at(-1).created).toBe("2023-11-14T22:13:20Z");
    expect(manifest.annotations["org.opencontainers.image.created"]).toBe("2023-11-14T22:13:20Z");
    const untimed = read(planOf(real, base));
    expect(untimed.config).not.toHaveProperty("created");
    expect(untimed.config.history.at(-1)).toEqual({ created_by: "spkoci push package2@1" });
  });

  it("checklist 51: annotates the manifest in a fixed order, and its own layers", () => {
    const plan = {
      ...planOf(real, base),
      title: "greeter",
      version: "2.1",
      settings: { source: "https://example.org" },
    };
    const { manifest } = read(plan);
    expect(Object.entries(manifest.annotations)).toEqual([
      ["org.opencontainers.image.description", plan.description],
      ["org.opencontainers.image.title", "greeter"],
      ["org.opencontainers.image.version", "2.1"],
      ["org.opencontainers.image.base.name", "docker.io/library/debian:12"],
      ["org.opencontainers.image.base.digest", digestOf("base")],
      ["org.opencontainers.image.source", "https://example.org"],
      ["dev.spkoci.run-env", "spack"],
    ]);
    expect(manifest.layers[0]).not.toHaveProperty("annotations");
    expect(manifest.layers[3].annotations).toEqual({
      "dev.spkoci.layer.diff-id": real.config.rootfs.diff_ids[3],
      "dev.spkoci.layer.dag-hash": "hash2",
    });
  });

  it("says of the package's own layer where old paths stand in it, in OCI's media types", () => {
    const offsets = '{"binaries":[],"textFiles":[[1]]}';
    const layers = planOf(real).layers.map((layer) => ({ ...layer, pathOffsets: offsets }));
    const marks = (plan: ImagePlan): unknown[] =>
      assembleImage(plan).packageLayers.map(({ annotations }) => annotations?.["dev.spkoci.layer.path-offsets"]);
    expect(marks({ ...planOf(real), layers })).toEqual([undefined, undefined, undefined, offsets]);
    expect(marks({ ...planOf(real), layers, spec: undefined }).filter(Boolean)).toEqual([]);
  });

  it.each(["no base", "a base"])("checklist 43, 48: is a valid image of what the plan says, with %s", (which) => {
    const plan = { ...planOf(real, which === "a base" ? base : undefined), sourceDateEpoch: 1_700_000_000 };
    const { image, config, manifest } = read(plan);
    expect(manifest).toMatchObject({ schemaVersion: 2, mediaType: OCI_MANIFEST });
    expect(manifest.config).toEqual(image.config.descriptor);
    expect(config).toMatchObject({ architecture: "amd64", os: "linux", rootfs: { type: "layers" } });
    const below = plan.base === undefined ? [] : real.config.rootfs.diff_ids.slice(0, 1);
    expect(config.rootfs.diff_ids).toEqual([...below, ...plan.layers.map(({ diffId }) => diffId)]);
    const digests = manifest.layers.map(({ digest }: { digest: string }) => digest);
    const base0 = plan.base?.manifest.layers.map(({ digest }) => digest) ?? [];
    expect(digests).toEqual([...base0, ...plan.layers.map(({ descriptor }) => descriptor.digest)]);
    expect(digests.length).toBeGreaterThan(0);
    const filled = config.history.filter((entry: { empty_layer?: boolean }) => entry.empty_layer !== true);
    expect(filled).toHaveLength(digests.length);
    for (const { created } of [config, ...config.history]) expect(created ?? "").toMatch(RFC_3339);
  });

  it("checklist 24: never takes embedded data over into its manifest", () => {
    const withData = base.manifest.layers.map((layer) => ({ ...layer, data: "aGVsbG8=" }));
    const { image } = read(planOf(real, { ...base, manifest: { ...base.manifest, layers: withData } }));
    expect(Buffer.from(image.manifest.bytes).toString()).not.toContain('"data"');
  });

  it("checklist 45: keeps members of the base's config that it doesn't know, and layers of unknown types", () => {
    const [layer = expect.unreachable()] = base.manifest.layers;
    const manifest = { ...base.manifest, layers: [{ ...layer, mediaType: "application/vnd.example.layer" }] };
    const config = { ...base.config, "org.example.member": { deep: [1] }, config: { Env: [], ExampleSetting: true } };
    const made = read(planOf(real, { ...base, manifest, config }));
    expect(made.config).toMatchObject({ "org.example.member": { deep: [1] }, config: { ExampleSetting: true } });
    expect(made.manifest.layers[0].mediaType).toBe("application/vnd.example.layer");
  });

  it("checklist 49: names the platform as the base does, variant and all, and never with features", () => {
    const ofArm = { ...base.config, architecture: "arm64", variant: "v8" };
    const { config } = read(
      planOf(real, { ...base, config: ofArm, platform: { os: "linux", architecture: "arm64", variant: "v8" } }),
    );
    expect(config).toMatchObject({ os: "linux", architecture: "arm64", variant: "v8" });
    const bare = read({ ...planOf(real), platform: { os: "linux", architecture: "riscv64", variant: "rva20u64" } });
    expect(bare.config).toMatchObject({ os: "linux", architecture: "riscv64", variant: "rva20u64" });
    for (const made of [config, bare.config]) expect(made).not.toHaveProperty("features");
  });

  it("writes layout version 1 without archive keys for the specs of Spack 0.22", () => {
    const { config } = read({ ...planOf(real), spec: { json: new RawJson("{}"), version: 4 } });
    expect(config.buildcache_layout_version).toBe(1);
    expect(Object.keys(config).filter((key) => key.startsWith("archive_"))).toEqual([]);
  });

  it("checklist 47: takes Docker's media types and no annotations from a Docker base", () => {
    const docker = dockerBase(base);
    const { image, manifest } = read(planOf(real, docker));
    expect(manifest.mediaType).toBe(DOCKER_MANIFEST);
    expect(image.manifest.descriptor.mediaType).toBe(DOCKER_MANIFEST);
    expect(image.config.descriptor.mediaType).toBe(DOCKER_CONFIG);
    expect(new Set(manifest.layers.map((layer: { mediaType: string }) => layer.mediaType))).toEqual(
      new Set([DOCKER_LAYER_GZIP]),
    );
    expect(Buffer.from(image.manifest.bytes).toString()).not.toContain("annotations");
  });

  it("checklist 47: turns a Docker base into an OCI image where a layer is compressed with zstd", () => {
    const plan = planOf(real, dockerBase(base));
    const layers = plan.layers.map((layer) => ({
      ...layer,
      descriptor: { ...layer.descriptor, mediaType: OCI_LAYER_ZSTD },
    }));
    const { image, config, manifest } = read({ ...plan, layers });
    expect(manifest.mediaType).toBe(OCI_MANIFEST);
    expect(image.config.descriptor.mediaType).toBe(OCI_CONFIG);
    expect(image.baseLayers.map(({ mediaType }) => mediaType)).toEqual([OCI_LAYER_GZIP]);
    expect(image.packageLayers.map(({ mediaType }) => mediaType)).toEqual(layers.map(() => OCI_LAYER_ZSTD));
    expect(config.archive_compression).toBe("zstd");
  });

  it("checklist 47: keeps a layer that is to be had elsewhere as it is, but not marks of packages on the base's layers", () => {
    const foreign = {
      mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      digest: digestOf("foreign"),
      size: 7,
      urls: ["https://example.org/layer"],
      annotations: {
        "dev.spkoci.layer.dag-hash": "x",
        "dev.spkoci.layer.diff-id": "y",
        "dev.spkoci.layer.path-offsets": '{"binaries":[],"textFiles":[[1]]}',
        kept: "z",
      },
    };
    const { manifest } = read(planOf(real, { ...base, manifest: { ...base.manifest, layers: [foreign] } }));
    expect(manifest.layers[0]).toEqual({ ...foreign, annotations: { kept: "z" } });
  });

  it("inherits what the base says, apart from another package's members", () => {
    const config = {
      ...base.config,
      spec: { nodes: [] },
      buildcache_layout_version: 9,
      "dev.spkoci": {},
      "moby.buildkit.x": { a: [1] },
      config: { ...base.config.config, ExposedPorts: { "80/tcp": {} }, User: "www", Labels: { b: "1", a: "2" } },
    };
    const { spec: _spec, ...plan } = planOf(real, { ...base, config });
    const assembled = read({ ...plan, settings: { labels: { d: "4", c: "3", a: "5" } } }).config;
    expect(assembled["moby.buildkit.x"]).toEqual({ a: [1] });
    expect(assembled.config).toMatchObject({ ExposedPorts: { "80/tcp": {} }, User: "www" });
    expect(assembled.config.Labels).toEqual({ b: "1", a: "5", c: "3", d: "4" });
    expect(Object.keys(assembled)).not.toEqual(expect.arrayContaining(["spec"]));
    expect(assembled).not.toHaveProperty("buildcache_layout_version");
    expect(assembled).not.toHaveProperty(["dev.spkoci"]);
  });

  it("checklist 48: writes no history over a base whose history has gaps", () => {
    for (const history of [undefined, null, [], [{ created_by: "x", empty_layer: true }]]) {
      const { config } = read(planOf(real, { ...base, config: { ...base.config, history } }));
      expect(config).not.toHaveProperty("history");
    }
  });

  it.each([
    ["the base's command", { Cmd: ["bash"] }, {}, { Cmd: ["bash"] }],
    ["the base's entrypoint", { Entrypoint: ["tini"], Cmd: null }, {}, { Entrypoint: ["tini"] }],
    ["a shell where the base has none", { Cmd: [] }, {}, { Cmd: ["/bin/sh"] }],
    [
      "the user's command under the base's entrypoint",
      { Entrypoint: ["tini"], Cmd: ["a"] },
      { cmd: ["b"] },
      { Entrypoint: ["tini"], Cmd: ["b"] },
    ],
    [
      "the user's entrypoint without the base's command",
      { Entrypoint: ["tini"], Cmd: ["a"] },
      { entrypoint: ["c"] },
      { Entrypoint: ["c"] },
    ],
    ["all of the user's", { Cmd: ["a"] }, { entrypoint: ["c"], cmd: ["d"] }, { Entrypoint: ["c"], Cmd: ["d"] }],
  ])("starts %s", (_what, ofBase, settings, expected) => {
    const { config } = read({ ...planOf(real, { ...base, config: { ...base.config, config: ofBase } }), settings });
    const { Entrypoint, Cmd } = config.config;
    expect({ ...(Entrypoint && { Entrypoint }), ...(Cmd && { Cmd }) }).toEqual(expected);
  });

  it("has no command without a base, and sets user and folder", () => {
    const { config } = read({ ...planOf(real), settings: { user: "1000:1000", workdir: "/work" } });
    expect(config.config).toMatchObject({ User: "1000:1000", WorkingDir: "/work" });
    expect(config.config).not.toHaveProperty("Cmd");
  });

  it("checklist 40: refuses a manifest that registries would refuse", () => {
    const [layer = expect.unreachable()] = planOf(real).layers;
    const layers = Array.from({ length: 15_000 }, () => layer);
    const { spec: _spec, ...plan } = planOf(real);
    const attempt = () => assembleImage({ ...plan, title: "all", layers });
    expect(attempt).toThrow(expect.objectContaining({ code: "DOCUMENT_TOO_LARGE" } satisfies Partial<SpkociError>));
    expect(attempt).toThrow(/manifest of all/);
  });

  it("refuses a time that is none", () => {
    expect(() => assembleImage({ ...planOf(real), sourceDateEpoch: Number.MAX_VALUE })).toThrow(/not a time/);
  });
});

function dockerBase(base: BaseImage): BaseImage {
  const layers = base.manifest.layers.map((layer) => ({ ...layer, mediaType: DOCKER_LAYER_GZIP }));
  return { ...base, family: "docker", manifest: { ...base.manifest, mediaType: DOCKER_MANIFEST, layers } };
}
