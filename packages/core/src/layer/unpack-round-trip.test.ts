import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { lstat, mkdir, readdir, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { createTemporaryFolder, fixturePath, type TemporaryFolder, unpackFixtureStore } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { parseBuildInfo } from "../spack/build-info.js";
import { makeLayer } from "./make-layer.js";
import { openSpool } from "./spool.js";
import { type UnpackedPrefix, type UnpackRequest, unpackLayer } from "./unpack-layer.js";

let temporary: TemporaryFolder;
let destination: string;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  destination = join(temporary.path, "package");
});

afterEach(() => temporary.remove());

function unpack(layer: Readable, more: Partial<UnpackRequest> = {}): Promise<UnpackedPrefix> {
  return unpackLayer({ layer, what: "the layer", destination, ...more });
}

/** All that is below a folder, one line each: type, permissions, link count and content or target. */
async function describeTree(path: string, name = "."): Promise<string[]> {
  const stats = await lstat(path);
  const mode = (stats.mode & 0o7777).toString(8);
  if (stats.isSymbolicLink()) return [`${name} -> ${await readlink(path)}`];
  if (!stats.isDirectory()) {
    return [`${name} ${mode} ${stats.nlink} ${stats.mtimeMs} ${digestOf(await readFile(path))}`];
  }
  const below = (await readdir(path)).sort().map((child) => describeTree(join(path, child), `${name}/${child}`));
  return [`${name}/ ${mode}`, ...(await Promise.all(below)).flat()];
}

/** The names of each file that has several. */
async function linkedNames(path: string): Promise<string[][]> {
  const groups = new Map<number, string[]>();
  for (const name of await readdir(path, { recursive: true })) {
    const { ino, nlink } = await lstat(join(path, name));
    if (nlink > 1) groups.set(ino, [...(groups.get(ino) ?? []), name]);
  }
  return [...groups.values()].filter((names) => names.length > 1).map((names) => names.sort());
}

async function gnuTarOf(layer: string): Promise<string> {
  const path = join(temporary.path, "gnu");
  await mkdir(path);
  await promisify(execFile)("tar", ["-xzpf", layer, "-C", path, "--no-same-owner"]);
  return path;
}

/** The layers of the real cache, gzip files of a tar. */
async function realLayers(): Promise<string[]> {
  const blobs = fixturePath("small/cache/blobs/sha256");
  const paths = (await readdir(blobs)).map((name) => join(blobs, name));
  const starts = await Promise.all(paths.map(async (path) => (await readFile(path)).subarray(0, 2).toString("hex")));
  return paths.filter((_, i) => starts[i] === "1f8b");
}

describe("unpackLayer of the layers that Spack pushed", () => {
  it("gives the files that GNU tar gets out of them", async () => {
    const layers = await realLayers();
    expect(layers).toHaveLength(5);
    for (const layer of layers) {
      const diffId = digestOf(gunzipSync(await readFile(layer)));
      const result = await unpack(createReadStream(layer), { diffId });
      const gnu = await gnuTarOf(layer);
      expect(await describeTree(destination)).toEqual(await describeTree(join(gnu, result.prefix)));
      expect(await linkedNames(destination)).toEqual(await linkedNames(join(gnu, result.prefix)));
      const info = parseBuildInfo(result.buildInfo);
      expect(result.prefix).toBe(`${info.buildpath}/${info.relativePrefix}`);
      await Promise.all([rm(gnu, { recursive: true }), rm(destination, { recursive: true })]);
    }
  });

  it("counts what is in them", async () => {
    const found = await Promise.all(
      (await realLayers()).map((layer, i) => unpack(createReadStream(layer), { destination: `${destination}${i}` })),
    );
    const greeter = found.find(({ prefix }) => prefix.includes("/greeter-"));
    expect(greeter).toMatchObject({ files: 19, symlinks: 5, readOnly: [] });
    expect(greeter?.hardlinks).toEqual([{ path: "bin/greeter-hardlink", target: "bin/greeter" }]);
  });
});

/** As an archive has them: all times 1970, and no directory with set-gid. */
function normalised(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/ [\d.]+ sha256/, " 0 sha256").replace("/ 2755", "/ 755"));
}

describe("unpackLayer of the layers that we make", () => {
  it("gives the prefix back", async () => {
    const store = await unpackFixtureStore();
    const spool = await openSpool(temporary.path);
    const packages = join(store.path, store.store, "linux-x86_64_v3");
    for (const name of await readdir(packages)) {
      const prefix = `${store.store}/linux-x86_64_v3/${name}`;
      const made = { prefix, path: join(packages, name), needles: [], buildInfo: () => `{name: ${name}}\n` };
      const layer = await makeLayer({ ...made, compression: "gzip", spool });
      const result = await unpack(await layer.open(), { diffId: layer.diffId, destination: `${destination}-${name}` });
      expect(result).toMatchObject({ prefix, buildInfo: `{name: ${name}}\n` });
      await rm(join(`${destination}-${name}`, ".spack/binary_distribution"));
      await rm(join(packages, name, ".spack/binary_distribution"), { force: true });
      expect(await describeTree(`${destination}-${name}`)).toEqual(
        normalised(await describeTree(join(packages, name))),
      );
      expect(await linkedNames(`${destination}-${name}`)).toEqual(await linkedNames(join(packages, name)));
    }
    await store.remove();
  });
});
