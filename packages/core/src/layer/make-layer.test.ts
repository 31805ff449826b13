import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { appendFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import {
  createTemporaryFolder,
  fixturePath,
  seededBytes,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { extract, type Header } from "tar-stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { digestOf } from "../base/digest.js";
import { GZIP_BLOCK } from "./gzip-blocks.js";
import { type LayerRequest, makeLayer, type SpooledLayer } from "./make-layer.js";
import type { Relocatables } from "./relocatables.js";
import { openSpool, type Spool } from "./spool.js";

interface TarEntry {
  readonly header: Partial<Header>;
  readonly content: Buffer;
}

/** `.spack/binary_distribution` of a real layer. */
interface BuildInfo {
  readonly buildpath: string;
  readonly relative_prefix: string;
  readonly sbang_install_path: string;
  readonly hash_to_prefix: Readonly<Record<string, string>>;
  readonly relocate_binaries: readonly string[];
  readonly relocate_textfiles: readonly string[];
  readonly relocate_links: readonly string[];
}

interface Descriptors {
  readonly layers: readonly { readonly digest: string }[];
  readonly manifests: readonly { readonly digest: string; readonly annotations: Readonly<Record<string, string>> }[];
}

const REF_NAME = "org.opencontainers.image.ref.name";

let temporary: TemporaryFolder;
let spool: Spool;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  spool = await openSpool(temporary.path);
});

afterEach(() => temporary.remove());

async function readTar(bytes: Buffer): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  const reader = extract();
  reader.on("entry", (header, content, next) => {
    const chunks: Buffer[] = [];
    content.on("data", (chunk) => chunks.push(chunk as Buffer));
    content.on("end", () => {
      entries.push({ header: normalised(header), content: Buffer.concat(chunks) });
      next();
    });
  });
  const ended = new Promise<void>((resolve, reject) => {
    reader.on("finish", resolve);
    reader.on("error", reject);
  });
  reader.end(bytes);
  await ended;
  return entries;
}

/** All of a header but how it was encoded, and where. */
function normalised({ pax: _pax, ...header }: Header): Partial<Header> {
  const { byteOffset: _offset, ...rest } = header as Partial<Header> & { byteOffset?: number };
  return rest;
}

async function contentOf(layer: SpooledLayer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await layer.open()) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function readBlob(digest: string): Promise<Buffer> {
  return readFile(fixturePath(`small/cache/blobs/sha256/${digest.replace("sha256:", "")}`));
}

async function readDescriptors(bytes: Promise<Buffer>): Promise<Descriptors> {
  return JSON.parse((await bytes).toString()) as Descriptors;
}

/** The layers that Spack pushed, by package name. */
async function readRealLayers(): Promise<Map<string, Buffer>> {
  const layers = new Map<string, Buffer>();
  const { manifests } = await readDescriptors(readFile(fixturePath("small/cache/index.json")));
  for (const { digest, annotations } of manifests) {
    const tag = annotations[REF_NAME] ?? "";
    const own = (await readDescriptors(readBlob(digest))).layers.at(-1);
    if (tag !== "index.spack" && own) layers.set(tag.replace(/-\d.*/, ""), gunzipSync(await readBlob(own.digest)));
  }
  return layers;
}

function requestFor(path: string, more: Partial<LayerRequest> = {}): LayerRequest {
  return {
    prefix: "/opt/spack/pkg-1.0",
    path,
    needles: ["/opt/spack"],
    buildInfo: () => "{}\n",
    compression: "gzip",
    spool,
    ...more,
  };
}

/** A prefix with these files. */
async function makePrefix(files: Readonly<Record<string, Buffer | string>>): Promise<string> {
  const path = join(temporary.path, "prefix");
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(path, name, ".."), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return path;
}

/** What is to be relocated in a prefix. */
async function foundIn(path: string): Promise<Relocatables> {
  const found: Relocatables[] = [];
  const layer = await makeLayer(requestFor(path, { buildInfo: (relocatables) => String(found.push(relocatables)) }));
  await layer.dispose();
  return found[0] as Relocatables;
}

/** Where a path stands in a file's bytes. */
function placesIn(content: Buffer = Buffer.alloc(0), path = ""): number[] {
  return [...content.toString("latin1").matchAll(new RegExp(path, "g"))].map(({ index }) => index);
}

describe("makeLayer of the real store", () => {
  let store: Awaited<ReturnType<typeof unpackFixtureStore>>;
  let real: Map<string, Buffer>;

  beforeAll(async () => {
    [store, real] = await Promise.all([unpackFixtureStore(), readRealLayers()]);
  });

  afterAll(() => store.remove());

  it.each(["gcc-runtime", "greet-build-tool", "greet-plugin", "greeter", "libgreet"])(
    "makes of %s, entry for entry, the layer that Spack made",
    async (name) => {
      const theirs = await readTar(real.get(name) ?? Buffer.alloc(0));
      const info = parse(theirs.at(-1)?.content.toString() ?? "") as BuildInfo;
      const prefix = `${info.buildpath}/${info.relative_prefix}`;
      let found: Relocatables | undefined;
      const buildInfo = (relocatables: Relocatables): string => {
        found = relocatables;
        return theirs.at(-1)?.content.toString() ?? "";
      };
      const needles = [...Object.values(info.hash_to_prefix), info.sbang_install_path, info.buildpath];
      const layer = await makeLayer(requestFor(join(store.path, prefix), { prefix, needles, buildInfo }));

      const ours = await readTar(gunzipSync(await contentOf(layer)));
      expect(ours.map(({ header }) => header)).toEqual(theirs.map(({ header }) => header));
      expect(ours.map(({ content }) => digestOf(content))).toEqual(theirs.map(({ content }) => digestOf(content)));
      expect(found).toMatchObject({
        binaries: info.relocate_binaries,
        textFiles: info.relocate_textfiles,
        links: info.relocate_links,
      });
      const listed = [...info.relocate_binaries, ...info.relocate_textfiles];
      const contents = new Map(theirs.map(({ header, content }) => [`/${header.name}`, content]));
      expect(found?.offsets).toEqual(
        new Map(listed.map((path) => [path, placesIn(contents.get(`${prefix}/${path}`), info.buildpath)])),
      );
    },
  );

  it("has the entry types that matter", async () => {
    const types = new Set((await readTar(real.get("greeter") ?? Buffer.alloc(0))).map(({ header }) => header.type));
    expect(types).toEqual(new Set(["directory", "file", "link", "symlink"]));
  });

  it("is read by GNU tar, which gets the prefix back from it", async () => {
    const name = (await readdir(join(store.path, store.store, "linux-x86_64_v3"))).find((it) =>
      it.startsWith("greeter"),
    );
    const prefix = `${store.store}/linux-x86_64_v3/${name}`;
    const layer = await makeLayer(requestFor(join(store.path, prefix), { prefix }));
    const file = join(temporary.path, "layer.tar.gz");
    await writeFile(file, await contentOf(layer));
    const unpacked = join(temporary.path, "unpacked");
    await mkdir(unpacked);
    await promisify(execFile)("tar", ["-xzf", file, "-C", unpacked]);
    await rm(join(unpacked, prefix, ".spack/binary_distribution"));
    const { stdout } = await promisify(execFile)("diff", [
      "--recursive",
      "--no-dereference",
      join(store.path, prefix),
      join(unpacked, prefix),
    ]);
    expect(stdout).toBe("");
  });
});

describe("makeLayer", () => {
  it("describes what it wrote, and opens it again and again", async () => {
    const layer = await makeLayer(requestFor(await makePrefix({ a: "content" })));
    const bytes = await contentOf(layer);
    expect(layer.descriptor).toEqual({
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
      digest: digestOf(bytes),
      size: bytes.length,
    });
    expect(layer.diffId).toBe(digestOf(gunzipSync(bytes)));
    expect(bytes.subarray(0, 10).toString("hex")).toBe("1f8b08000000000000ff");
    expect((await contentOf(layer)).equals(bytes)).toBe(true);
    await layer.dispose();
    expect(await readdir(spool.folder)).toEqual([]);
  });

  it("ends with the build info, which gets what was found", async () => {
    const path = await makePrefix({ "bin/sh": "#!/opt/spack/bin/sbang", ".spack/binary_distribution": "old" });
    await symlink("/opt/spack/x", join(path, "link"));
    const layer = await makeLayer(requestFor(path, { buildInfo: (found) => JSON.stringify(found) }));
    const last = (await readTar(gunzipSync(await contentOf(layer)))).at(-1);
    expect(last?.header).toMatchObject({ name: "opt/spack/pkg-1.0/.spack/binary_distribution", mode: 0o644 });
    expect(JSON.parse(last?.content.toString() ?? "")).toMatchObject({
      binaries: [],
      textFiles: ["bin/sh"],
      links: ["link"],
    });
  });

  it("makes the same bytes of two copies of a prefix", async () => {
    const path = await makePrefix({ "lib/big": seededBytes("big", 1_000_000), "bin/a": "#!/bin/sh", "bin/b": "" });
    await symlink("a", join(path, "bin/link"));
    const copy = join(temporary.path, "some/other/place");
    await cp(path, copy, { recursive: true, verbatimSymlinks: true });
    const [one, two] = [await makeLayer(requestFor(path)), await makeLayer(requestFor(copy))];
    expect(two.diffId).toBe(one.diffId);
    expect(two.descriptor).toEqual(one.descriptor);
  });

  it("makes the same tar at every compression level", async () => {
    const path = await makePrefix({ a: "content ".repeat(10_000) });
    const [fast, small] = [
      await makeLayer(requestFor(path, { level: 1 })),
      await makeLayer(requestFor(path, { level: 9 })),
    ];
    expect(small.diffId).toBe(fast.diffId);
    expect(small.descriptor.size).toBeLessThan(fast.descriptor.size);
  });

  it("finds a prefix that lies over the border of two blocks of the tar", async () => {
    // Four headers come before the first file.
    const border = GZIP_BLOCK - 4 * 512;
    for (const before of [1, 5, 10, 11]) {
      const filler = "x".repeat(border - before);
      const path = await makePrefix({ a: `${filler} /opt/spack/lib` });
      expect((await foundIn(path)).textFiles).toEqual(["a"]);
      await writeFile(join(path, "a"), `${filler}/mnt/opt/spack/lib`);
      expect((await foundIn(path)).textFiles).toEqual([]);
    }
  });

  it("keeps apart what many small files and a huge one among them hold", async () => {
    const small = Object.fromEntries(
      Array.from({ length: 1500 }, (_, at) => [
        `${at % 2 === 0 ? "a" : "z"}/${at}`,
        `${at} ${"/opt/spack".repeat(at % 3)}`,
      ]),
    );
    const path = await makePrefix({ ...small, "m/huge": seededBytes("huge", 5_000_000), "m/empty": "" });
    const layer = await makeLayer(requestFor(path));
    const entries = await readTar(gunzipSync(await contentOf(layer)));
    const files = entries.filter(({ header }) => header.type === "file").slice(0, -1);
    expect(files).toHaveLength(1502);
    for (const { header, content } of files) {
      const name = (header.name ?? "").replace("opt/spack/pkg-1.0/", "");
      expect(content.equals(await readFile(join(path, name)))).toBe(true);
    }
    const named = Object.keys(small).filter((name) => (small[name] ?? "").includes("/opt/spack") && name !== "");
    expect((await foundIn(path)).textFiles.toSorted()).toEqual(named.toSorted());
  });

  it("reports how much it has read, up to the total", async () => {
    const path = await makePrefix({ a: "12345", b: seededBytes("b", 1_600_000), c: "" });
    const seen: number[] = [];
    await makeLayer(
      requestFor(path, {
        onProgress: (bytes, total) => {
          expect(total).toBe(1_600_005);
          seen.push(bytes);
        },
      }),
    );
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-1)).toBe(1_600_005);
  });

  it("stops when it is aborted, with the abort's reason, and leaves no file", async () => {
    const path = await makePrefix({ big: seededBytes("big", 4_000_000) });
    const abort = new AbortController();
    const reason = new Error("enough");
    let calls = 0;
    const onProgress = (): void => {
      calls += 1;
      abort.abort(reason);
    };
    await expect(makeLayer(requestFor(path, { onProgress }), { signal: abort.signal })).rejects.toBe(reason);
    expect(calls).toBe(1);
    expect(await readdir(spool.folder)).toEqual([]);
  });

  it("names a file that vanishes before its turn, and leaves no file", async () => {
    const path = await makePrefix({ a: seededBytes("a", 3_000_000), b: "short" });
    const onProgress = (): void => rmSync(join(path, "b"), { force: true });
    await expect(makeLayer(requestFor(path, { onProgress }))).rejects.toMatchObject({
      code: "FILE_CHANGED",
      message: expect.stringContaining(join(path, "b")),
    });
    expect(await readdir(spool.folder)).toEqual([]);
  });

  it("names a file that grows while it is read", async () => {
    const path = await makePrefix({ a: seededBytes("a", 3_000_000) });
    let grown: Promise<void> | undefined;
    const onProgress = (): void => {
      grown ??= appendFile(join(path, "a"), "more");
    };
    await expect(makeLayer(requestFor(path, { onProgress }))).rejects.toMatchObject({
      code: "FILE_CHANGED",
      message: expect.stringContaining(join(path, "a")),
    });
    await grown;
  });

  it("names the spool's folder when its disk is full", async () => {
    const path = await makePrefix({ big: seededBytes("big", 1_000_000) });
    const full = join(temporary.path, "full");
    await symlink("/dev/full", full);
    const fullSpool: Spool = { ...spool, newFile: () => full };
    await expect(makeLayer(requestFor(path, { spool: fullSpool }))).rejects.toMatchObject({
      code: "NO_SPACE",
      message: expect.stringContaining(spool.folder),
    });
  });

  it("fails like its build info does", async () => {
    const buildInfo = (): string => {
      throw new Error("a defect");
    };
    await expect(makeLayer(requestFor(await makePrefix({ a: "x" }), { buildInfo }))).rejects.toThrow("a defect");
    expect(await readdir(spool.folder)).toEqual([]);
  });

  it("refuses a compression level before it reads anything", async () => {
    await expect(makeLayer(requestFor("/not/there", { level: 10 }))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
