import { readFileSync } from "node:fs";
import { describeTree, documentOf, OCI_INDEX, OCI_MANIFEST, SpkociError } from "@spkoci/core";
import { fixturePath } from "@spkoci/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatJson, type JsonValue, parseJson } from "../../packages/core/src/base/json.js";
import { parseCachedSpec } from "../../packages/core/src/catalog/cached-spec.js";
import { formatCacheIndex, parseCacheIndex } from "../../packages/core/src/catalog/index-document.js";
import { packagesInIndex } from "../../packages/core/src/catalog/list-packages.js";
import { parseImageConfig } from "../../packages/core/src/oci/image-config.js";
import { parseImageIndex, parseManifest } from "../../packages/core/src/oci/manifest.js";
import { readReferrer } from "../../packages/core/src/oci/referrer.js";
import { parseBuildInfo } from "../../packages/core/src/spack/build-info.js";
import { parseDatabase } from "../../packages/core/src/spack/database.js";
import { formatSpec } from "../../packages/core/src/spack/format-spec.js";
import { prefixIn } from "../../packages/core/src/spack/install-layout.js";
import { parseSpecFile } from "../../packages/core/src/spack/spec-file.js";
import { breadthFirst, dependenciesFirst, preorder } from "../../packages/core/src/spack/traverse.js";
import { fuzzing, hostileText, hostileValue, mutated, mutations, surviving } from "./support/fuzz.js";

const readFixture = (name: string): string => readFileSync(fixturePath(name), "utf8");
const manifest = JSON.parse(readFixture("samples/with-base.greeter.manifest.json")) as object;
const configText = readFixture("samples/with-base.greeter.config.json");
const config = JSON.parse(configText) as object;
const database = JSON.parse(readFixture("small/store-index.json")) as object;
const index = {
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [
    {
      mediaType: OCI_MANIFEST,
      digest: `sha256:${"a".repeat(64)}`,
      size: 7,
      platform: { os: "linux", architecture: "amd64" },
    },
  ],
};

const manifestOf = (text: string) => parseManifest(documentOf(OCI_MANIFEST, Buffer.from(text)), "it");

/** Reads a document in every way in which it is read, and uses what comes out. */
const READERS: Readonly<
  Record<string, { readonly sound: object; readonly runs: number; readonly read: (text: string) => unknown }>
> = {
  manifest: {
    sound: manifest,
    runs: 3000,
    read: (text) => {
      readReferrer(documentOf(OCI_MANIFEST, Buffer.from(text)));
      return formatJson(manifestOf(text) as unknown as JsonValue);
    },
  },
  "image index": {
    sound: index,
    runs: 3000,
    read: (text) => parseImageIndex(documentOf(OCI_INDEX, Buffer.from(text)), "it"),
  },
  "image config": {
    sound: config,
    runs: 500,
    read: (text) => formatJson(parseImageConfig(Buffer.from(text), "it") as unknown as JsonValue),
  },
  "package config": { sound: config, runs: 500, read: (text) => parseCachedSpec(text, "it") },
  "spec file": {
    sound: config,
    runs: 500,
    read: (text) => {
      const { root, nodes } = parseSpecFile(text, "it");
      const resolve = (hash: string) => nodes.get(hash) ?? root;
      preorder(root, resolve);
      formatSpec(root);
      describeTree({ roots: [root], allDeps: true, known: (hash) => nodes.get(hash), isPresent: () => true });
      expect(prefixIn("/store", root)).toMatch(/^\/store\/[A-Za-z0-9_+.-]+\/[A-Za-z0-9_+.-]+$/);
      return dependenciesFirst([root], resolve);
    },
  },
  database: {
    sound: database,
    runs: 300,
    read: (text) => {
      const { records } = parseDatabase(text, "it");
      for (const { spec, path } of records.values()) {
        formatSpec(spec);
        if (path !== undefined) expect(path).toMatch(/^\/[^\0\n]*$/);
      }
    },
  },
  "cache index": {
    sound: database,
    runs: 300,
    read: (text) => {
      const parsed = parseCacheIndex(text, "it");
      const source = { store: { name: "it" } } as Parameters<typeof packagesInIndex>[1];
      const { packages } = packagesInIndex(parsed, source, {});
      packages.map(formatSpec);
      return parseCacheIndex(formatCacheIndex(parsed), "again");
    },
  },
};

describe.each(Object.entries(READERS))("a %s", (name, { sound, runs, read }) => {
  it("is read or refused, whatever values it has, and its shape", () => {
    let reads = 0;
    fc.assert(
      fc.property(mutations, (changes) => {
        if (!(surviving(() => read(mutated(sound, changes))) instanceof SpkociError)) reads += 1;
      }),
      fuzzing(name, runs),
    );
    expect(reads).toBeGreaterThan(0);
  });

  it("is refused if it is any other text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          hostileValue.map((value) => JSON.stringify(value)),
          hostileText,
        ),
        (text) => {
          surviving(() => read(text));
        },
      ),
      fuzzing(`${name}, other texts`, 1000),
    );
  });

  it("is read or refused if bytes of it are others, or are gone", () => {
    const bytes = Buffer.from(JSON.stringify(sound));
    const change = fc.record({ at: fc.nat({ max: bytes.length - 1 }), byte: fc.nat({ max: 255 }), cut: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        let damaged = Buffer.from(bytes);
        for (const { at, byte, cut } of changes) {
          if (cut) damaged = damaged.subarray(0, at);
          else if (at < damaged.length) damaged[at] = byte;
        }
        surviving(() => read(damaged.toString("utf8")));
      }),
      fuzzing(`${name}, damaged`, Math.ceil(runs / 2)),
    );
  });
});

it("build info is read or refused, whatever YAML it is", () => {
  const sound =
    "{buildpath: /opt/spack, relative_prefix: a/b, hash_to_prefix: {x: /y}, relocate_binaries: [bin/a], relocate_links: []}";
  const insert = fc.record({
    at: fc.nat({ max: sound.length }),
    text: fc.oneof(
      hostileText,
      fc.constantFrom(
        "&a ",
        "*a",
        "!!js/function ",
        "<<: ",
        "? ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "|\n",
        ">\n",
        "%YAML 9.9\n",
        "---\n",
        "\t",
        "#",
        "'",
        '"',
      ),
    ),
  });
  fc.assert(
    fc.property(fc.array(insert, { minLength: 1, maxLength: 4 }), (inserts) => {
      let text = sound;
      for (const { at, text: more } of inserts) text = text.slice(0, at) + more + text.slice(at);
      surviving(() => parseBuildInfo(text));
    }),
    fuzzing("build info", 2000),
  );
});

const DIGEST = `sha256:${"a".repeat(64)}`;
const HASH = "a".repeat(32);
const MiB = 2 ** 20;
const filled = (before: string, piece: string, after: string, size: number): string =>
  before + piece.repeat(Math.floor((size - before.length - after.length) / piece.length)) + after;
const nodeOf = (hash: string, dependencies: readonly object[]): object => ({
  name: "a",
  version: "1",
  hash,
  arch: { platform: "linux", platform_os: "x", target: "x86_64" },
  dependencies,
});
const edgeTo = (hash: string): object => ({ name: "a", hash, parameters: { deptypes: ["link"], virtuals: [] } });
const specOf = (nodes: readonly object[]): string => JSON.stringify({ spec: { _meta: { version: 5 }, nodes } });
const someConfig = `{"mediaType":"x","digest":"${DIGEST}","size":1}`;
const configStart = '{"architecture":"a","os":"l","rootfs":{"type":"layers","diff_ids":';

/** As large as documents may be. Each is refused in a second or two, with memory of the order of its own size. */
const LARGE: readonly (readonly [string, () => string, (text: string) => unknown, RegExp])[] = [
  [
    "a manifest with 2,000,000 wrong layers",
    () => filled(`{"schemaVersion":2,"config":${someConfig},"layers":[`, "0,", "0]}", 4 * MiB),
    manifestOf,
    /malformed: .* in item 0/,
  ],
  [
    "a manifest with 60,000 empty layers",
    () => filled(`{"schemaVersion":2,"config":${someConfig},"layers":[`, "{},", "{}]}", 4 * MiB),
    manifestOf,
    /malformed: .* in item 0/,
  ],
  [
    "a manifest with 500,000 wrong annotations",
    () => filled(`{"schemaVersion":2,"config":${someConfig},"layers":[],"annotations":{"x":1`, ',"y":1', "}}", 4 * MiB),
    manifestOf,
    /annotations/,
  ],
  [
    "a manifest with a media type of 3 MB",
    () => JSON.stringify({ schemaVersion: 2, mediaType: "x".repeat(3e6), config: JSON.parse(someConfig), layers: [] }),
    manifestOf,
    /says it is xxx/,
  ],
  [
    "a config of 10 MB with wrong diffIds",
    () => filled(`${configStart}[`, "0,", "0]}}", 10 * MiB),
    (text) => parseImageConfig(Buffer.from(text), "it"),
    /list of sha256 digests/,
  ],
  [
    "a config of 10 MB with wrong labels",
    () => filled(`${configStart}[]},"config":{"Labels":{"x":[]`, ',"y":[]', "}}}", 10 * MiB),
    (text) => parseImageConfig(Buffer.from(text), "it"),
    /Labels/,
  ],
  [
    "a config of 10 MB with wrong history",
    () => filled(`${configStart}[]},"history":[`, "0,", "0]}", 10 * MiB),
    (text) => parseImageConfig(Buffer.from(text), "it"),
    /history/,
  ],
  [
    "a config nested five million times",
    () => `${configStart}[]},"x":${"[".repeat(5 * MiB)}`,
    (text) => parseImageConfig(Buffer.from(text), "it"),
    /nested too deeply/,
  ],
  [
    "the same with a key that JSON.parse looks at",
    () => `{"__proto__":1,"x":${"[".repeat(MiB)}${"]".repeat(MiB)}}`,
    (text) => parseJson(text, "it"),
    /nested too deeply/,
  ],
  [
    "a spec with 200,000 wrong edges",
    () =>
      specOf([
        nodeOf(
          HASH,
          Array.from({ length: 200_000 }, () => ({})),
        ),
      ]),
    (text) => parseSpecFile(text, "it"),
    /malformed/,
  ],
  [
    "a spec with a million wrong kinds of edge",
    () => specOf([nodeOf(HASH, [{ name: "a", hash: HASH, type: Array.from({ length: 1e6 }, () => 0) }])]),
    (text) => parseSpecFile(text, "it"),
    /malformed/,
  ],
  [
    "a build info of 8 MB",
    () => filled("{buildpath: /a, relative_prefix: b, relocate_binaries: [", "a, ", "b]}", 8 * MiB),
    (text) => parseBuildInfo(text),
    /larger than/,
  ],
  ["a build info nested 20,000 times", () => "{a: ".repeat(20_000), (text) => parseBuildInfo(text), /not valid YAML/],
];

describe("a document as large as can be", () => {
  it.each(LARGE)("is refused with a short message: %s", (_what, make, read, message) => {
    const result = surviving(() => read(make()));
    expect(result).toBeInstanceOf(SpkociError);
    expect((result as SpkociError).message).toMatch(message);
  });

  it("is read if it is sound: a manifest of 30,000 layers", () => {
    const layers = Array.from({ length: 30_000 }, () => ({ mediaType: "", digest: DIGEST, size: 1 }));
    const text = JSON.stringify({ schemaVersion: 2, config: JSON.parse(someConfig), layers });
    expect(manifestOf(text).layers).toHaveLength(30_000);
  });

  it("is read if it is sound: a spec of 300,000 edges, and a chain of 50,000 packages", () => {
    const many = parseSpecFile(
      specOf([
        nodeOf(
          HASH,
          Array.from({ length: 300_000 }, () => edgeTo(HASH)),
        ),
      ]),
      "it",
    );
    const resolve = () => many.root;
    expect(breadthFirst([many.root], resolve)).toHaveLength(1);
    expect(preorder(many.root, resolve)).toHaveLength(1);
    expect(
      describeTree({ roots: [many.root], allDeps: true, known: resolve, isPresent: () => true }).packages,
    ).toHaveLength(1);
    const hashOf = (at: number): string => `a${String(at).padStart(31, "0")}`;
    const nodes = Array.from({ length: 50_000 }, (_, at) =>
      nodeOf(hashOf(at), at < 49_999 ? [edgeTo(hashOf(at + 1))] : []),
    );
    const chain = parseSpecFile(specOf(nodes), "it");
    expect(dependenciesFirst([chain.root], (hash) => chain.nodes.get(hash) ?? chain.root)).toHaveLength(50_000);
  });

  it("is read if it is sound: a build info with 20,000 prefixes", () => {
    const prefixes = Array.from({ length: 20_000 }, (_, at) => `k${at}: /p${at}`).join(", ");
    const { hashToPrefix } = parseBuildInfo(`{buildpath: /a, relative_prefix: b, hash_to_prefix: {${prefixes}}}`);
    expect(hashToPrefix.size).toBe(20_000);
  });
});
