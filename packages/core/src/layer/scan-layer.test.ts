import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { fixturePath, type RawEntry, rawTar, tarOf, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { digestOf } from "../base/digest.js";
import { hashLayer, type ScannedLayer, scanLayer } from "./scan-layer.js";
import { unpackLayer } from "./unpack-layer.js";

/** The layers of greeter and greet-plugin in fixtures/small/cache. */
const LAYERS = [
  "417c7d3b3ceff2ffb825d0eccbddeeed9486c30a574a7b1023ac57607d944527",
  "5868d06fdb0426e45f0fd0405da8273b71771a3788ecfa844ab82699c0ead7ed",
];
const GREETER = fixturePath(`small/cache/blobs/sha256/${LAYERS[0]}`);

const P = "opt/pkg";
const start: RawEntry[] = ["opt/", `${P}/`].map((name) => ({ name, type: "5", mode: 0o755 }));
const buildInfo: RawEntry = { name: `${P}/.spack/binary_distribution`, content: "{}\n" };

function scan(tar: Buffer): Promise<ScannedLayer> {
  return scanLayer({ layer: Readable.from([tar]), what: "the layer of pkg" });
}

describe("scanLayer", () => {
  it.each(LAYERS)("finds in %s what unpacking gives", async (hex) => {
    const path = fixturePath(`small/cache/blobs/sha256/${hex}`);
    const scanned = await scanLayer({ layer: createReadStream(path), what: "the layer" });
    await withTemporaryFolder(async (folder) => {
      const { prefix, buildInfo: text } = await unpackLayer({
        layer: createReadStream(path),
        what: "the layer",
        destination: join(folder, "package"),
        diffId: scanned.diffId,
      });
      expect({ prefix: scanned.prefix, text: scanned.buildInfo }).toEqual({ prefix, text });
    });
  });

  it("says what is at a path of the prefix", async () => {
    const link: RawEntry = { name: `${P}/link`, type: "2", target: "file" };
    const { kindOf } = await scan(rawTar(...start, { name: `${P}/file` }, link, buildInfo));
    expect(["file", "link", ".spack", "../pkg/file", "none", "file/none", "opt"].map(kindOf)).toEqual([
      "file",
      "link",
      "folder",
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("keeps the outermost build info only", async () => {
    const inner: RawEntry = { name: `${P}/share/.spack/binary_distribution`, content: "inner" };
    expect((await scan(rawTar(...start, inner, buildInfo))).buildInfo).toBe("{}\n");
    expect((await scan(rawTar(...start, buildInfo, inner))).buildInfo).toBe("{}\n");
  });

  it("has no build info where it is another name of a file", async () => {
    const other: RawEntry = { name: `${P}/file`, content: "{}\n" };
    const linked: RawEntry = { ...buildInfo, content: "", type: "1", target: `${P}/file` };
    expect((await scan(rawTar(...start, other, linked))).buildInfo).toBeUndefined();
  });

  it.each<[string, Buffer, RegExp]>([
    ["a name that leads out", rawTar(...start, { name: `${P}/../../x` }, buildInfo), /leads out of its folder/],
    ["a device", rawTar(...start, { name: `${P}/tty`, type: "3" }, buildInfo), /character-device/],
    [
      "a file below a link",
      rawTar(...start, { name: `${P}/l`, type: "2", target: "/" }, { name: `${P}/l/x` }),
      /below/,
    ],
    ["no package", rawTar(...start), /no Spack package/],
    ["a tar that is cut off", rawTar(...start, buildInfo).subarray(0, 2000), /cut off/],
    ["damaged compression", gzipSync(rawTar(...start, buildInfo)).subarray(0, 60), /damaged/],
  ])("refuses %s, as unpacking does", async (_what, tar, message) => {
    await expect(scan(tar)).rejects.toMatchObject({
      code: "ARCHIVE_REFUSED",
      message: expect.stringMatching(message),
    });
  });

  it("throws the failure of its source", async () => {
    const layer = Readable.from(
      (async function* () {
        yield (await readFile(GREETER)).subarray(0, 5000);
        throw new Error("the line is dead");
      })(),
    );
    await expect(scanLayer({ layer, what: "the layer" })).rejects.toThrow("the line is dead");
  });

  it("stops with the reason of an abort", async () => {
    const stop = new AbortController();
    const layer = new Readable({ read: () => {} });
    const scanned = scanLayer({ layer, what: "the layer" }, { signal: stop.signal });
    setImmediate(() => stop.abort(new Error("enough")));
    await expect(scanned).rejects.toThrow("enough");
  });
});

describe("hashLayer", () => {
  it("gives the digest of the plain tar, whatever is in it", async () => {
    const tar = tarOf({ "etc/passwd": "root" });
    const hash = (bytes: Buffer) => hashLayer({ layer: Readable.from([bytes]), what: "the layer" });
    expect(await hash(gzipSync(tar))).toBe(digestOf(tar));
    expect(await hash(tar)).toBe(digestOf(tar));
    await expect(hash(gzipSync(tar).subarray(0, 40))).rejects.toMatchObject({ code: "ARCHIVE_REFUSED" });
  });
});
