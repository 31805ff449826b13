import { join } from "node:path";
import {
  CacheEditor,
  createTemporaryFolder,
  SMALL_HASHES as HASHES,
  type RawEntry,
  rawTar,
  SMALL_TAGS as TAGS,
  type TemporaryFolder,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { check } from "./check.js";
import { type CheckLevel, FINDING_CODES, type FindingCode } from "./finding-codes.js";
import type { CheckOptions } from "./options.js";
import type { CheckResult, Finding } from "./result.js";

vi.mock("node:zlib", async (original) => ({
  ...(await original<typeof import("node:zlib")>()),
  createZstdDecompress: undefined,
  zstdCompress: undefined,
}));

const ROOT = "/opt/spack/opt/spack";

let folder: TemporaryFolder;
let cache: CacheEditor;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  cache = await CacheEditor.create(join(folder.path, "cache"));
});

afterEach(() => folder.remove());

function run(level: CheckLevel, more: Partial<CheckOptions> = {}, emit?: (event: SpkociEvent) => void) {
  return check({ source: `oci:${cache.folder}`, level, ...more }, { emit });
}

const codesOf = ({ findings }: CheckResult): FindingCode[] => findings.map(({ code }) => code);

/** The build info of libgreet, as Spack would write it, with changes. */
function libgreetTar(changes: Readonly<Record<string, unknown>> = {}, ...more: readonly RawEntry[]): Buffer {
  const relative = `linux-x86_64_v3/libgreet-1.0-${HASHES.libgreet}`;
  const info = {
    buildpath: ROOT,
    relative_prefix: relative,
    hash_to_prefix: {
      [HASHES.libgreet]: `${ROOT}/${relative}`,
      [HASHES["gcc-runtime"]]: `${ROOT}/linux-x86_64_v3/gcc-runtime-12.2.0-${HASHES["gcc-runtime"]}`,
    },
    relocate_binaries: [],
    relocate_links: [],
    relocate_textfiles: [],
    ...changes,
  };
  const prefix = `${ROOT}/${relative}`.slice(1);
  const at = (path: string): Pick<RawEntry, "name" | "pax"> => ({ name: "x", pax: { path: `${prefix}/${path}` } });
  const inPrefix = more.map((entry) => ({ ...entry, ...at(String(entry.name)) }));
  const text = changes.text === undefined ? JSON.stringify(info) : String(changes.text);
  return rawTar(...inPrefix, { ...at(".spack/binary_distribution"), content: text });
}

interface Case {
  readonly code: FindingCode;
  readonly what: string;
  readonly damage: () => Promise<void>;
  /** What the finding says, beside its code and severity. */
  readonly finding: Partial<Finding> | object;
  /** Codes of what else is found by that. */
  readonly others?: readonly FindingCode[];
}

const about = (name: keyof typeof TAGS): object => ({ tag: TAGS[name], hash: HASHES[name] });
const says = (pattern: RegExp): { message: unknown } => ({ message: expect.stringMatching(pattern) });

const CASES: readonly Case[] = [
  {
    code: "INDEX_MISSING",
    what: "no index",
    damage: async () => void (await cache.store.delete("index.spack")),
    finding: { tag: "index.spack" },
  },
  {
    code: "INDEX_UNREADABLE",
    what: "an index that is cut off",
    damage: async () => cache.shortenBlob((await cache.readManifest("index.spack")).layers[0].digest),
    finding: { tag: "index.spack", ...says(/should have \d+ bytes but has 20/) },
  },
  {
    code: "INDEX_UNREADABLE",
    what: "an index that is another document",
    damage: async () => cache.writeManifest("index.spack", await cache.readManifest(TAGS.greeter)),
    finding: { tag: "index.spack" },
  },
  {
    code: "RECORD_WITHOUT_TAG",
    what: "a package whose tag is gone",
    damage: async () => void (await cache.store.delete(TAGS["greet-plugin"])),
    finding: { ...about("greet-plugin"), package: "greet-plugin@0.5" },
  },
  {
    code: "TAG_NOT_INDEXED",
    what: "a package without a record",
    damage: () =>
      cache.changeIndex((installs) => {
        const { dependencies } = installs[HASHES["greet-plugin"]].spec;
        for (const { hash } of dependencies) installs[hash].ref_count -= 1;
        delete installs[HASHES["greet-plugin"]];
      }),
    finding: { ...about("greet-plugin"), ...says(/no record/) },
  },
  {
    code: "TAG_NOT_INDEXED",
    what: "a package that the index says is not there",
    damage: () =>
      cache.changeIndex((installs) => {
        installs[HASHES.greeter].in_buildcache = false;
      }),
    finding: { ...about("greeter"), ...says(/says that the cache doesn't have it/) },
  },
  {
    code: "RECORD_INVALID",
    what: "a record without a name",
    damage: () =>
      cache.changeIndex((installs) => {
        delete installs[HASHES.gmake].spec.name;
      }),
    finding: { hash: HASHES.gmake },
  },
  {
    code: "RECORD_SPEC_WRONG",
    what: "a record with another version",
    damage: () =>
      cache.changeIndex((installs) => {
        installs[HASHES["compiler-wrapper"]].spec.version = "9";
      }),
    finding: { hash: HASHES["compiler-wrapper"], package: "compiler-wrapper@9", ...says(/DAG hash/) },
  },
  {
    code: "RECORD_SPEC_WRONG",
    what: "a rewritten record, whose hash can't be recomputed, with another variant",
    damage: () =>
      cache.changeIndex((installs) => {
        const { spec } = installs[HASHES.greeter];
        spec.annotations.original_specfile_version = 4;
        spec.parameters.shiny = true;
      }),
    finding: { ...about("greeter"), ...says(/differs from the package's config in its parameters/) },
  },
  {
    code: "RECORD_MISSING",
    what: "a dependency without a record",
    damage: () =>
      cache.changeIndex((installs) => {
        delete installs[HASHES.gmake];
      }),
    finding: { ...about("greeter"), ...says(/\/jbok2te/) },
    others: ["RECORD_MISSING", "RECORD_MISSING", "RECORD_MISSING"],
  },
  {
    code: "REF_COUNT_WRONG",
    what: "a wrong ref_count",
    damage: () =>
      cache.changeIndex((installs) => {
        installs[HASHES.libgreet].ref_count = 7;
      }),
    finding: { ...about("libgreet"), ...says(/is 7, but the index has 1/) },
  },
  {
    code: "MANIFEST_MISSING",
    what: "a tag without its manifest",
    damage: async () => cache.removeBlob((await cache.store.resolve(TAGS.greeter))?.digest ?? ""),
    finding: { ...about("greeter") },
  },
  {
    code: "MANIFEST_UNREADABLE",
    what: "a manifest that is cut off",
    damage: async () => cache.shortenBlob((await cache.store.resolve(TAGS.greeter))?.digest ?? ""),
    finding: { ...about("greeter"), ...says(/should have 850 bytes but has 20/) },
  },
  {
    code: "MANIFEST_UNREADABLE",
    what: "a manifest without layers",
    damage: async () =>
      cache.writeManifest(TAGS.greeter, { ...(await cache.readManifest(TAGS.greeter)), layers: null }),
    finding: { ...about("greeter"), ...says(/malformed/) },
  },
  {
    code: "MEDIA_TYPES_MIXED",
    what: "a layer of Docker's media types in an image of OCI's",
    damage: () =>
      cache.changeImage(TAGS.greeter, (manifest) => {
        manifest.layers[0].mediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip";
      }),
    finding: { ...about("greeter"), ...says(/docker\.image\.rootfs/) },
  },
  {
    code: "CONFIG_MISSING",
    what: "an image without its config",
    damage: async () => cache.removeBlob((await cache.readManifest(TAGS.greeter)).config.digest),
    finding: { ...about("greeter"), digest: expect.stringMatching(/^sha256:/) },
  },
  {
    code: "CONFIG_UNREADABLE",
    what: "a config that is cut off",
    damage: async () => cache.shortenBlob((await cache.readManifest(TAGS.greeter)).config.digest),
    finding: { ...about("greeter") },
  },
  {
    code: "CONFIG_UNREADABLE",
    what: "a config that is no object",
    damage: async () => {
      const manifest = await cache.readManifest(TAGS.greeter);
      await cache.writeManifest(TAGS.greeter, {
        ...manifest,
        config: await cache.putJson(manifest.config.mediaType, 5),
      });
    },
    finding: { ...about("greeter"), ...says(/no JSON object/) },
  },
  {
    code: "IMAGE_UNRUNNABLE",
    what: "a config of another architecture",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.architecture = "s390x";
      }),
    finding: { ...about("greeter"), ...says(/"s390x", but the package is for amd64/) },
  },
  {
    code: "IMAGE_UNRUNNABLE",
    what: "a config without an operating system",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        delete config.os;
      }),
    finding: { ...about("greeter"), ...says(/malformed.*os/) },
  },
  {
    code: "IMAGE_UNRUNNABLE",
    what: "more diffIds than layers",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.rootfs.diff_ids.unshift(config.rootfs.diff_ids[0]);
      }),
    finding: { ...about("greeter"), ...says(/lists 4 layers, its manifest 3/) },
  },
  {
    code: "IMAGE_UNRUNNABLE",
    what: "a variable without a name",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.config.Env.push("=x");
      }),
    finding: { ...about("greeter"), ...says(/"=x" is not NAME=VALUE/) },
  },
  {
    code: "IMAGE_UNRUNNABLE",
    what: "a history of more layers",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.history = Array(4).fill({});
      }),
    finding: { ...about("greeter"), ...says(/history has 4 layers/) },
  },
  {
    code: "LAYOUT_UNKNOWN",
    what: "a newer cache layout",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.buildcache_layout_version = 4;
      }),
    finding: { ...about("greeter") },
  },
  {
    code: "SPEC_UNREADABLE",
    what: "a config without a spec",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        delete config.spec;
      }),
    finding: { ...about("greeter") },
  },
  {
    code: "DAG_HASH_WRONG",
    what: "a node of the spec that was changed",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.spec.nodes[1].version = "666";
      }),
    finding: { ...about("greeter"), ...says(/@666 claims the DAG hash/) },
  },
  {
    code: "TAG_WRONG",
    what: "a tag that was moved to another package",
    damage: async () => cache.writeManifest(TAGS.greeter, await cache.readManifest(TAGS.libgreet)),
    finding: { ...about("greeter"), ...says(/it holds libgreet@1\.0\/vxd7hjt/) },
  },
  {
    code: "ARCHIVE_CLAIM_WRONG",
    what: "a checksum of another layer",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.binary_cache_checksum.hash = "0".repeat(64);
      }),
    finding: { ...about("greeter"), ...says(/binary_cache_checksum is "000/) },
  },
  {
    code: "ARCHIVE_CLAIM_WRONG",
    what: "no checksum",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        delete config.binary_cache_checksum;
      }),
    finding: { ...about("greeter"), ...says(/binary_cache_checksum is missing/) },
  },
  {
    code: "ARCHIVE_CLAIM_WRONG",
    what: "a wrong size",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.archive_size = 5;
      }),
    finding: { ...about("greeter"), ...says(/archive_size is "5", but the layer's is 10271/) },
  },
  {
    code: "ARCHIVE_CLAIM_WRONG",
    what: "a wrong compression",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.archive_compression = "zstd";
      }),
    finding: { ...about("greeter"), ...says(/archive_compression/) },
  },
  {
    code: "ANNOTATION_WRONG",
    what: "an annotation with another diffId",
    damage: () =>
      cache.changeImage(TAGS.greeter, (manifest) => {
        manifest.layers[0].annotations = { "dev.spkoci.layer.diff-id": `sha256:${"0".repeat(64)}` };
      }),
    finding: { ...about("greeter"), ...says(/diff-id is "sha256:000/) },
  },
  {
    code: "ANNOTATION_WRONG",
    what: "an annotation with another package",
    damage: () =>
      cache.changeImage(TAGS.greeter, (manifest) => {
        manifest.layers.at(-1).annotations = { "dev.spkoci.layer.dag-hash": HASHES.libgreet };
      }),
    finding: { ...about("greeter"), ...says(/of \/"vxd7hjt/) },
  },
  {
    code: "DEPENDENCY_MISSING",
    what: "a cache without a dependency",
    damage: async () => {
      await cache.store.delete(TAGS.libgreet);
      await cache.changeIndex((installs) => {
        installs[HASHES.libgreet].in_buildcache = false;
      });
    },
    finding: { ...about("greeter"), ...says(/doesn't have libgreet@1\.0\/vxd7hjt/) },
    others: ["DEPENDENCY_MISSING"],
  },
  {
    code: "IMAGE_INCOMPLETE",
    what: "an image without a dependency's layer",
    damage: () =>
      cache.changeImage(TAGS.greeter, (manifest, config) => {
        manifest.layers.splice(1, 1);
        config.rootfs.diff_ids.splice(1, 1);
      }),
    finding: { ...about("greeter"), ...says(/has 2 layers, but consists of 3 packages/) },
  },
  {
    code: "IMAGE_INCOMPLETE",
    what: "an annotated image without a dependency's layer",
    damage: () =>
      cache.changeImage(TAGS.greeter, (manifest) => {
        const hashes = [HASHES["gcc-runtime"], HASHES["gcc-runtime"], HASHES.greeter];
        for (const [at, layer] of manifest.layers.entries()) {
          layer.annotations = { "dev.spkoci.layer.dag-hash": hashes[at] };
        }
      }),
    finding: { ...about("greeter"), ...says(/lacks the layers of libgreet@1\.0/) },
  },
  {
    code: "BLOB_MISSING",
    what: "a layer that five images need",
    damage: async () => cache.removeBlob((await cache.readManifest(TAGS["gcc-runtime"])).layers[0].digest),
    finding: { ...about("gcc-runtime"), images: 5, digest: expect.stringMatching(/^sha256:22c3f6/) },
  },
  {
    code: "BLOB_DAMAGED",
    what: "a layer that is cut off",
    damage: async () => cache.shortenBlob((await cache.readManifest(TAGS["greet-plugin"])).layers[3].digest),
    finding: { ...about("greet-plugin"), ...says(/should have 6908 bytes but has 20/) },
  },
  {
    code: "DIFF_ID_WRONG",
    what: "a config with the diffId of another layer",
    damage: () =>
      cache.changeImage(TAGS.greeter, (_manifest, config) => {
        config.rootfs.diff_ids[0] = config.rootfs.diff_ids[1];
      }),
    finding: { ...about("greeter"), ...says(/its config says sha256:\w+, but the tar has/) },
  },
  {
    code: "ARCHIVE_REFUSED",
    what: "a tar that would write outside of its folder",
    damage: () => cache.replaceLayer(TAGS["greet-plugin"], rawTar({ name: "../../etc/passwd" })),
    finding: { ...about("greet-plugin"), ...says(/leads out of its folder/) },
  },
  {
    code: "BUILD_INFO_UNREADABLE",
    what: "build info that is no YAML",
    damage: () => cache.replaceLayer(TAGS.libgreet, libgreetTar({ text: "[" })),
    finding: { ...about("libgreet"), ...says(/not valid YAML/) },
  },
  {
    code: "BUILD_INFO_UNREADABLE",
    what: "build info that is a hard link",
    damage: () => {
      const target = libgreetTar();
      const name = target.toString("latin1").match(/opt\/spack\S+\.spack\/binary_distribution/)?.[0] ?? "";
      const file = name.replace(".spack/binary_distribution", "info");
      return cache.replaceLayer(
        TAGS.libgreet,
        rawTar(
          { name: "x", pax: { path: file }, content: "{}" },
          { name: "x", type: "1", pax: { path: name, linkpath: file } },
        ),
      );
    },
    finding: { ...about("libgreet"), ...says(/hard link/) },
  },
  {
    code: "BUILD_INFO_WRONG",
    what: "build info with another root",
    damage: () => cache.replaceLayer(TAGS.libgreet, libgreetTar({ buildpath: "/elsewhere" })),
    finding: { ...about("libgreet"), ...says(/buildpath and relative_prefix say "\/elsewhere/) },
    others: ["BUILD_INFO_WRONG"],
  },
  {
    code: "BUILD_INFO_WRONG",
    what: "build info that names no dependencies",
    damage: () =>
      cache.replaceLayer(
        TAGS.libgreet,
        libgreetTar({
          hash_to_prefix: { [HASHES.libgreet]: `${ROOT}/linux-x86_64_v3/libgreet-1.0-${HASHES.libgreet}` },
        }),
      ),
    finding: { ...about("libgreet"), ...says(/hash_to_prefix lacks gcc-runtime@12\.2\.0/) },
  },
  {
    code: "BUILD_INFO_WRONG",
    what: "a list of files that are not there",
    damage: () =>
      cache.replaceLayer(TAGS.libgreet, libgreetTar({ relocate_binaries: ["bin/a", "bin/b"] }, { name: "bin/a" })),
    finding: { ...about("libgreet"), ...says(/relocate_binaries names what are no files of the archive: "bin\/b"$/) },
  },
  {
    code: "BUILD_INFO_WRONG",
    what: "a list of links that are files",
    damage: () => cache.replaceLayer(TAGS.libgreet, libgreetTar({ relocate_links: ["bin/a"] }, { name: "bin/a" })),
    finding: { ...about("libgreet"), ...says(/relocate_links names what are no symbolic links/) },
  },
  {
    code: "LAYER_UNCHECKED",
    what: "a layer that this Node can't decompress",
    damage: () => cache.replaceLayer(TAGS.libgreet, libgreetTar(), Buffer.from("28b52ffd0000", "hex")),
    finding: { ...about("libgreet"), ...says(/zstd, which this Node doesn't have/) },
  },
];

describe("check finds", () => {
  it.each(CASES)("$what: $code", async ({ code, damage, finding, others = [] }) => {
    await damage();
    const result = await run("contents");
    const [severity, level] = FINDING_CODES[code];
    expect(result.findings).toContainEqual(expect.objectContaining({ code, severity, ...finding }));
    expect(codesOf(result)).toEqual([code, ...others].toSorted());
    expect(codesOf(await run(LEVEL_BEFORE[level]))).not.toContain(level === "index" ? undefined : code);
  });

  it("every kind of finding in one of these tests", () => {
    const codes = new Set(CASES.map(({ code }) => code));
    expect(Object.keys(FINDING_CODES).filter((code) => !codes.has(code as FindingCode))).toEqual([]);
  });
});

const LEVEL_BEFORE = { index: "index", manifests: "index", blobs: "manifests", contents: "blobs" } as const;
