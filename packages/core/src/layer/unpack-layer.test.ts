import { chmod, chown, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { createTemporaryFolder, type RawEntry, rawTar, seededBytes, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { readableOf, verified } from "../base/streams.js";
import { makeReadOnly, type UnpackedPrefix, type UnpackRequest, unpackLayer } from "./unpack-layer.js";

let temporary: TemporaryFolder;
let destination: string;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  destination = join(temporary.path, "a/package");
});

afterEach(() => temporary.remove());

function unpack(layer: Buffer | Readable, more: Partial<UnpackRequest> = {}): Promise<UnpackedPrefix> {
  const stream = Buffer.isBuffer(layer) ? readableOf(layer) : layer;
  return unpackLayer({ layer: stream, what: "the layer of pkg", destination, ...more });
}

const P = "opt/pkg";
const buildInfo: RawEntry = { name: `${P}/.spack/binary_distribution`, content: "{}\n" };
const folder = (name: string, mode = 0o755): RawEntry => ({ name: `${name}/`, type: "5", mode });
const file = (name: string, content: string | Buffer = "x", mode = 0o644): RawEntry => ({ name, content, mode });

/** Names and permissions of all that is below a folder. */
async function permissionsOf(path: string, name = "."): Promise<string[]> {
  const stats = await lstat(path);
  const own = `${name} ${(stats.mode & 0o7777).toString(8)}`;
  if (!stats.isDirectory()) return [own];
  const below = (await readdir(path)).sort().map((child) => permissionsOf(join(path, child), `${name}/${child}`));
  return [own, ...(await Promise.all(below)).flat()];
}

describe("unpackLayer", () => {
  it("takes tarballs without directories above the prefix, and those of Spack 0.20 with its last component only", async () => {
    const old = await unpack(rawTar(folder(P), file(`${P}/bin/x`), buildInfo));
    expect(old).toMatchObject({ prefix: "/opt/pkg", files: 2, directories: 3, bytes: 4 });
    const older = rawTar(folder("zlib-1.2-abc"), file("zlib-1.2-abc/.spack/binary_distribution", "info"));
    expect(await unpack(older, { destination: `${destination}2` })).toMatchObject({
      prefix: "/zlib-1.2-abc",
      buildInfo: "info",
    });
  });

  it("takes the outermost package where a package holds another", async () => {
    const inner = file(`${P}/share/inner/.spack/binary_distribution`, "inner");
    expect(await unpack(rawTar(inner, buildInfo))).toMatchObject({ prefix: "/opt/pkg", buildInfo: "{}\n" });
  });

  it("writes files of all sizes, however the layer is cut into pieces", async () => {
    const sizes = [0, 1, 511, 512, 513, 256 * 1024, 256 * 1024 + 1, 1_000_000];
    const contents = sizes.map((size) => seededBytes(String(size), size));
    const tar = rawTar(...contents.map((content, i) => file(`${P}/${i}`, content)), buildInfo);
    for (const [i, layer] of [tar, gzipSync(tar)].entries()) {
      const pieces = function* (): Iterable<Buffer> {
        for (let at = 0; at < layer.length; at += 4093) yield layer.subarray(at, at + 4093);
      };
      const seen: number[] = [];
      const onFile: UnpackRequest["onFile"] = ({ size }) => seen.push(size);
      const result = await unpack(Readable.from(pieces()), { destination: `${destination}${i}`, onFile });
      expect(result.bytes).toBe(sizes.reduce((sum, size) => sum + size, 3));
      expect(seen).toEqual([...sizes, 3]);
      for (const [n, content] of contents.entries()) {
        expect((await readFile(join(`${destination}${i}`, String(n)))).equals(content)).toBe(true);
      }
    }
  });

  it("leaves everything writable for its owner, and makes it read-only afterwards", async () => {
    const tar = rawTar(
      folder(P, 0o555),
      folder(`${P}/d`, 0o555),
      file(`${P}/d/f`, "x", 0o444),
      folder(`${P}/d/e`, 0o111),
      file(`${P}/d/e/g`, "x", 0o111),
      buildInfo,
    );
    // Permissions mean nothing to root.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      await chown(temporary.path, 65534, 65534);
      process.seteuid?.(65534);
    }
    try {
      const result = await unpack(tar);
      await writeFile(join(destination, "d/f"), "relocated");
      await writeFile(join(destination, "d/new"), "x");
      await rm(join(destination, "d/new"));
      await makeReadOnly(destination, result);
      const modes = await permissionsOf(destination);
      expect(modes).toEqual([
        ". 555",
        "./.spack 755",
        "./.spack/binary_distribution 644",
        "./d 555",
        "./d/e 511",
        "./d/e/g 511",
        "./d/f 444",
      ]);
      await expect(writeFile(join(destination, "d/new"), "x")).rejects.toMatchObject({ code: "EACCES" });
    } finally {
      if (isRoot) process.seteuid?.(0);
      for (const path of ["", "d", "d/e"]) await chmod(join(destination, path), 0o700);
    }
  });

  it("gives the permissions of the archive whatever the umask is", async () => {
    const before = process.umask(0o077);
    try {
      await unpack(rawTar(folder(P), folder(`${P}/private`, 0o700), file(`${P}/x`, "x", 0o755), buildInfo));
    } finally {
      process.umask(before);
    }
    const modes = await permissionsOf(destination);
    expect(modes).toEqual([". 755", "./.spack 755", "./.spack/binary_distribution 644", "./private 700", "./x 755"]);
  });

  it("refuses a tar with another digest", async () => {
    await expect(unpack(rawTar(buildInfo), { diffId: digestOf("other") })).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
      message: expect.stringContaining("the layer of pkg"),
    });
    expect(await readdir(join(temporary.path, "a"))).toEqual([]);
  });

  it.each([
    ["a file", "file"],
    ["a folder", "folder"],
    ["a dangling link", "link"],
  ])("leaves %s alone that is in its way", async (_, kind) => {
    await mkdir(join(temporary.path, "a"));
    if (kind === "file") await writeFile(destination, "mine");
    else if (kind === "folder") await mkdir(destination);
    else await symlink("nowhere", destination);
    const before = await permissionsOf(temporary.path);
    const layer = readableOf(rawTar(buildInfo));
    await expect(unpack(layer)).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: `${destination} is there already`,
    });
    expect(await permissionsOf(temporary.path)).toEqual(before);
    expect(layer.destroyed).toBe(true);
  });

  it("names the destination where its folder can't be made", async () => {
    await writeFile(join(temporary.path, "a"), "a file");
    await expect(unpack(rawTar(buildInfo))).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining(destination),
    });
  });

  it("fails with the layer's own failure, at its start, in a file and at its end, and leaves nothing", async () => {
    const tar = rawTar(file(`${P}/big`, seededBytes("big", 1_000_000)), buildInfo);
    for (const length of [0, 700, 600_000, tar.length]) {
      const failure = Object.assign(new Error("connection lost"), { code: "ECONNRESET" });
      const broken = async function* (): AsyncGenerator<Buffer> {
        for (let at = 0; at < length; at += 10_000) yield tar.subarray(at, Math.min(length, at + 10_000));
        throw failure;
      };
      await expect(unpack(Readable.from(broken()))).rejects.toBe(failure);
      expect(await readdir(join(temporary.path, "a"))).toEqual([]);
    }
  });

  it("fails with the failure of a layer that failed before", async () => {
    const layer = new PassThrough();
    const failure = new Error("too early");
    const unpacking = unpack(layer);
    layer.destroy(failure);
    await expect(unpacking).rejects.toBe(failure);
  });

  it("fails if the layer doesn't have the digest it should", async () => {
    const tar = rawTar(buildInfo);
    const layer = verified(readableOf(tar), { digest: digestOf("other"), size: tar.length }, "blob");
    await expect(unpack(layer)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await readdir(join(temporary.path, "a"))).toEqual([]);
  });

  it("stops when it is aborted, with the abort's reason, and leaves nothing", async () => {
    const tar = rawTar(file(`${P}/a`), file(`${P}/big`, seededBytes("big", 4_000_000)), buildInfo);
    const abort = new AbortController();
    const reason = new Error("enough");
    let reads = 0;
    const pieces = async function* (): AsyncGenerator<Buffer> {
      for (let at = 0; at < tar.length; at += 100_000) {
        reads += 1;
        yield tar.subarray(at, at + 100_000);
      }
    };
    const layer = Readable.from(pieces(), { highWaterMark: 1 });
    const request = { layer, what: "x", destination, onFile: () => abort.abort(reason) };
    await expect(unpackLayer(request, { signal: abort.signal })).rejects.toBe(reason);
    expect(reads).toBeLessThan(10);
    expect(layer.destroyed).toBe(true);
    expect(await readdir(join(temporary.path, "a"))).toEqual([]);
  });

  it("stops an unpacking whose layer doesn't come on, and one that was aborted before", async () => {
    const abort = new AbortController();
    const stalled = new PassThrough();
    stalled.write(rawTar(file(`${P}/a`, seededBytes("a", 400_000))).subarray(0, 300_000));
    const unpacking = unpackLayer({ layer: stalled, what: "x", destination }, { signal: abort.signal });
    setTimeout(() => abort.abort(new Error("stop")), 50);
    await expect(unpacking).rejects.toThrow("stop");
    const late = unpackLayer({ layer: new PassThrough(), what: "x", destination }, { signal: abort.signal });
    await expect(late).rejects.toThrow("stop");
    expect(await readdir(join(temporary.path, "a"))).toEqual([]);
  });
});
