import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import {
  createTemporaryFolder,
  type RawEntry,
  rawEntries,
  rawTar,
  TAR_END,
  type TemporaryFolder,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type UnpackedPrefix, type UnpackRequest, unpackLayer } from "./unpack-layer.js";

let temporary: TemporaryFolder;
let destination: string;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  destination = join(temporary.path, "package");
});

afterEach(() => temporary.remove());

const P = "opt/pkg";
/** Larger than most archives below. */
const PIECE = 64 * 1024;
const buildInfo: RawEntry = { name: `${P}/.spack/binary_distribution`, content: "{}\n" };
const folder = (name: string, mode = 0o755): RawEntry => ({ name: `${name}/`, type: "5", mode });
const file = (name: string, content = "x"): RawEntry => ({ name, content });
const start = [folder("opt"), folder(P), folder(`${P}/lib`)];

function unpack(tar: Buffer, more: Partial<UnpackRequest> = {}): Promise<UnpackedPrefix> {
  return unpackLayer({ layer: Readable.from(pieces(tar)), what: "the layer of pkg", destination, ...more });
}

function* pieces(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

/** A sound package with these entries in it. */
function packageWith(...entries: readonly RawEntry[]): Buffer {
  return rawTar(...start, ...entries, buildInfo);
}

async function expectRefused(tar: Buffer, message: string, more: Partial<UnpackRequest> = {}): Promise<void> {
  await expect(unpack(tar, more)).rejects.toMatchObject({
    code: "ARCHIVE_REFUSED",
    exitCode: 7,
    message: expect.stringMatching(RegExp(`^the layer of pkg is refused ?${message}`)),
  });
  expect(await readdir(temporary.path)).toEqual([]);
}

describe("an archive is refused, and nothing of it left, for", () => {
  it.each<[string, RawEntry, string]>([
    ["a name with ..", file(`${P}/../evil`), 'at "opt/pkg/../evil": its name leads out of its folder'],
    ["a name that is ..", folder(".."), 'at "../": its name leads out'],
    ["an absolute name", file(`/${P}/evil`), 'at "/opt/pkg/evil": its name is absolute'],
    ["an absolute name of one component", file("/evil"), 'at "/evil": its name is absolute'],
    ["a file with a slash at its end", file(`${P}/x/`), 'at "opt/pkg/x/": its name has an empty component'],
    ["a file that is its folder", file(`${P}/`), 'at "opt/pkg/": its name has an empty component'],
    ["a file that is the folder above", file(`${P}/..`), 'at "opt/pkg/..": its name leads out'],
    ["a whiteout (checklist 46)", file(`${P}/lib/.wh.libz.so`), 'at "opt/pkg/lib/.wh.libz.so": its name is a whiteout'],
    [
      "an opaque whiteout (checklist 46)",
      file(`${P}/.wh..wh..opq`),
      'at "opt/pkg/.wh..wh..opq": its name is a whiteout',
    ],
    ["an empty name", file("", ""), 'at "": its name is empty'],
    ["an empty component", file(`${P}//x`), 'at "opt/pkg//x": its name has an empty component'],
    ["a component that is a dot", file(`${P}/./x`), 'at "opt/pkg/./x": its name has an empty component'],
    ["a directory with two slashes at its end", folder(`${P}/x/`), 'at "opt/pkg/x//": its name has an empty'],
    ["a line break in a name", file(`${P}/a\nb`), String.raw`at "opt/pkg/a\\nb": its name has a control character`],
    ["an escape in a name", file(`${P}/\x1b[2J`), String.raw`at "opt/pkg/\\u001b\[2J": its name has a control`],
    ["a C1 control in a name", file(`${P}/\u009b2J`), String.raw`at "opt/pkg/\\u009b2J": its name has a control`],
    ["a NUL in a long name", { name: "x", pax: { path: `${P}/a\0b` } }, String.raw`at "opt/pkg/a\\u0000b": its name`],
    ["a name that is not UTF-8", { name: Buffer.from([...Buffer.from(P), 0x2f, 0xff]) }, "at .*: a name is not UTF-8"],
    ["a target that is not UTF-8", { name: `${P}/l`, type: "2", target: Buffer.from([0xff]) }, "at .*not UTF-8"],
    ["a component of 256 bytes", { name: "x", pax: { path: `${P}/${"n".repeat(256)}` } }, "at .* more than 255 bytes"],
    [
      "a path of 4096 bytes",
      { name: "x", pax: { path: `${P}/${`${"n".repeat(99)}/`.repeat(41)}x` } },
      "at .* 4096 bytes",
    ],
    [
      "a path of 129 folders",
      { name: "x", pax: { path: `${P}/${"d/".repeat(128)}x` } },
      "at .* deeper than 128 folders",
    ],
    ["a character device", { name: `${P}/tty`, type: "3" }, 'at "opt/pkg/tty": it is a character-device'],
    ["a block device", { name: `${P}/sda`, type: "4" }, 'at "opt/pkg/sda": it is a block-device'],
    ["a pipe", { name: `${P}/pipe`, type: "6" }, 'at "opt/pkg/pipe": it is a fifo'],
    ["a contiguous file", { name: `${P}/c`, type: "7" }, 'at "opt/pkg/c": it is a contiguous-file'],
    ["a sparse file of GNU tar", { name: `${P}/s`, type: "S", content: "x" }, 'at "opt/pkg/s": it has content'],
    ["a type that is not known", { name: `${P}/v`, type: "V" }, 'at "opt/pkg/v": it is of a type that is not known'],
    ["a sparse file of PAX", { ...file(`${P}/s`), pax: { "GNU.sparse.major": "1" } }, 'at "opt/pkg/s": sparse files'],
    ["a directory with content", { name: `${P}/d/`, type: "5", content: "x" }, 'at "opt/pkg/d/": it has content'],
    ["a link with content", { name: `${P}/l`, type: "2", target: "x", content: "x" }, 'at "opt/pkg/l": it has content'],
    ["an empty link target", { name: `${P}/l`, type: "2" }, 'at "opt/pkg/l": its target is empty'],
    [
      "a link target with a control character",
      { name: `${P}/l`, type: "2", target: "a\rb" },
      'at "opt/pkg/l": its target',
    ],
    [
      "a hard link out of the archive",
      { name: `${P}/h`, type: "1", target: "/etc/passwd" },
      'at "opt/pkg/h": it is a hard',
    ],
    ["a hard link upwards", { name: `${P}/h`, type: "1", target: "../../etc/passwd" }, 'at "opt/pkg/h": it is a hard'],
    ["a hard link to nothing", { name: `${P}/h`, type: "1", target: `${P}/none` }, 'at "opt/pkg/h": it is a hard'],
    ["a hard link to a directory", { name: `${P}/h`, type: "1", target: `${P}/lib` }, 'at "opt/pkg/h": it is a hard'],
    ["a hard link to itself", { name: `${P}/h`, type: "1", target: `${P}/h` }, 'at "opt/pkg/h": it is a hard'],
    ["a hard link without a target", { name: `${P}/h`, type: "1" }, 'at "opt/pkg/h": it is a hard'],
    ["a file in the place of a directory", file(`${P}/lib`), 'at "opt/pkg/lib": its name is taken by a directory'],
    ["other permissions for a directory", folder(`${P}/lib`, 0o700), 'at "opt/pkg/lib/": it comes twice'],
    ["a file beside the prefix", file("opt/other"), 'at "opt/other": it lies outside of the install prefix'],
    ["a directory beside the prefix", folder("usr"), 'at "usr": it lies outside of the install prefix'],
    ["a size that is no number", { ...file(`${P}/f`), size: Buffer.from("0000000001x\0") }, 'at "opt/pkg/f": its size'],
    ["a negative size", { ...file(`${P}/f`), size: Buffer.alloc(12, 0xff) }, 'at "opt/pkg/f": its size'],
    [
      "a size beyond all numbers",
      { ...file(`${P}/f`), size: Buffer.from([0x80, ...Buffer.alloc(11, 0xff)]) },
      "at .* its size",
    ],
    [
      "two sizes",
      { ...file(`${P}/f`, "abc"), pax: { size: "2" } },
      'at "opt/pkg/f": its headers disagree about its size',
    ],
    ["a size of PAX that is no number", { ...file(`${P}/f`, ""), pax: { size: "1e3" } }, 'at "opt/pkg/f": its headers'],
    [
      "an extended header of another length",
      { ...file(`${P}/f`), pax: Buffer.from("99 path=x\n") },
      "after .*malformed",
    ],
    [
      "an extended header of a negative length",
      { ...file(`${P}/f`), pax: Buffer.from("-9 path=x\n") },
      "after .*malformed",
    ],
    ["a record twice", { ...file(`${P}/f`), pax: Buffer.from("10 path=x\n10 path=y\n") }, "after .*malformed"],
    ["an empty extended header", { ...file(`${P}/f`), pax: Buffer.alloc(0) }, "at .*an extended header of 0 bytes"],
    [
      "an extended header of 1 MiB",
      { ...file(`${P}/f`), pax: { x: "x".repeat(2 ** 20) } },
      "at .*an extended header of",
    ],
    ["an extended header that is not UTF-8", { ...file(`${P}/f`), pax: Buffer.from([0xff]) }, "after .*malformed"],
    [
      "two extended headers",
      { name: "x", type: "x", content: "10 path=x\n", pax: { path: "y" } },
      "after .*two extended",
    ],
    [
      "a global header that renames",
      { name: "g", type: "g", content: "10 path=x\n" },
      "after .*a global extended header",
    ],
    ["a long name out of use", { name: "x", type: "N", content: "x" }, "at .*out of use"],
    [
      "a header that is not tar's",
      { ...file(`${P}/f`), change: (header) => header.fill("x", 257, 262) },
      "after .*can't be read",
    ],
  ])("%s", async (_, entry, message) => {
    await expectRefused(packageWith(entry), message);
    // And where the name before lies in the same folder.
    for (const sibling of [`${P}/s`, `${P}/lib/s`]) await expectRefused(packageWith(file(sibling), entry), message);
  });

  it.each<[string, RawEntry[], string]>([
    ["a file twice", [file(`${P}/f`), file(`${P}/f`)], 'at "opt/pkg/f": its name is taken by a file'],
    [
      "a file and a directory of one name",
      [file(`${P}/f`), folder(`${P}/f`)],
      'at "opt/pkg/f/": its name is taken by a file',
    ],
    ["a file below a file", [file(`${P}/f`), file(`${P}/f/x`)], 'at "opt/pkg/f/x": it lies below a file'],
  ])("checklist 46: %s, a name that is taken", async (_, entries, message) => {
    await expectRefused(packageWith(...entries), message);
  });

  it("a damaged header", async () => {
    const tar = packageWith(file(`${P}/f`));
    tar.write("y", 512 * start.length);
    await expectRefused(tar, "after .*: a header is damaged");
  });

  it.each<[string, Buffer, string]>([
    ["no package in it", rawTar(...start, file(`${P}/lib/a`)), ": it has no .spack/binary_distribution"],
    ["no prefix above its package", rawTar(file(".spack/binary_distribution")), ": it has no"],
    ["a build info that is a link", rawTar({ ...buildInfo, content: "", type: "2", target: "x" }), ": it has no"],
    ["two packages", rawTar(buildInfo, file("opt/p2/.spack/binary_distribution")), 'at "opt/p2": it lies outside'],
    ["no entries", TAR_END, ": it is neither gzip nor zstd nor a tar"],
    ["no bytes", Buffer.alloc(0), ": it is empty"],
    ["something that is no archive", Buffer.from("hello ".repeat(500)), ": it is neither"],
    ["a cut between two entries", rawEntries(...start, buildInfo), "after .*: it is cut off"],
    [
      "a cut in a file",
      rawEntries(...start, file(`${P}/f`, "x".repeat(2000)), buildInfo).subarray(0, 3000),
      "after .*: it is cut off",
    ],
    ["a cut in a header", packageWith(file(`${P}/f`)).subarray(0, 700), "after .*: it is cut off"],
    ["a single zero block as its end", packageWith().subarray(0, -512), "after .*: it is cut off"],
    [
      "an extended header at its end",
      rawTar(...start, buildInfo, { name: "x", type: "x", content: "10 path=x\n" }),
      "after .*has no entry",
    ],
    [
      "bytes behind its end",
      Buffer.concat([packageWith(), Buffer.from("more")]),
      "after .*: something follows its end",
    ],
    ["entries behind its end", Buffer.concat([packageWith(), packageWith()]), "after .*: something follows its end"],
    [
      "an entry between its last blocks",
      Buffer.concat([rawEntries(...start, buildInfo), Buffer.alloc(512), rawTar(file("x"))]),
      'at "x": it follows the end',
    ],
  ])("%s", async (_, tar, message) => {
    await expectRefused(tar, message);
  });

  it("too many bytes", async () => {
    const limits = { maxBytes: 5_000_000 };
    const small = packageWith(...Array.from({ length: 10_000 }, (_, i) => file(`${P}/${i}`, "")));
    await expectRefused(small, ".*: it has more than 5000000 bytes", { limits });
    const large = packageWith(file(`${P}/f`, "x".repeat(2_000_000)), file(`${P}/g`, "x".repeat(3_000_001)));
    await expectRefused(large, `at "${P}/g": with it there are more than 5000000 bytes`, { limits });
  });

  it("too many entries, directories that no entry names included", async () => {
    const tar = rawTar(file(`${P}/a/b/c/d/e`), buildInfo);
    expect((await unpack(tar, { limits: { maxEntries: 9 } })).directories).toBe(6);
    destination = join(temporary.path, "again");
    await expect(unpack(tar, { limits: { maxEntries: 8 } })).rejects.toMatchObject({
      message: expect.stringContaining(`at "${buildInfo.name}": it is one of more than 8 entries`),
    });
  });
});

describe("a link in an archive", () => {
  it.each([
    ["a directory elsewhere", "/tmp"],
    ["the folder above the destination", "../../.."],
    ["a directory of the archive", "lib"],
  ])("to %s is not written through", async (_, target) => {
    const link: RawEntry = { name: `${P}/l`, type: "2", target };
    await expectRefused(packageWith(link, file(`${P}/l/x`)), 'at "opt/pkg/l/x": it lies below a symbolic link');
    await expectRefused(packageWith(link, folder(`${P}/l`)), 'at "opt/pkg/l/": its name is taken by a symbolic link');
    await expectRefused(packageWith(link, file(`${P}/l`)), 'at "opt/pkg/l": its name is taken by a symbolic link');
    const hard: RawEntry = { name: `${P}/h`, type: "1", target: `${P}/l` };
    await expectRefused(packageWith(link, hard), 'at "opt/pkg/h": it is a hard link to what is no earlier file');
  });

  it("stays as it is, wherever it points", async () => {
    await unpack(packageWith({ name: `${P}/l`, type: "2", target: "../../../../etc/passwd" }));
    expect((await lstat(join(destination, "l"))).isSymbolicLink()).toBe(true);
  });
});

describe("what is odd but harmless is unpacked", () => {
  it("backslashes, spaces and characters beyond ASCII in names", async () => {
    const names = ["back\\slash", "sp ace", "grüße", "\ufffd", "-rf", "..x", "a:b"];
    await unpack(packageWith(...names.map((name) => file(`${P}/lib/${name}`, name))));
    for (const name of names) expect(await readFile(join(destination, "lib", name), "utf8")).toBe(name);
  });

  it("a directory that comes twice, or after what is in it", async () => {
    const result = await unpack(rawTar(file(`${P}/a/x`), folder(`${P}/a`, 0o700), folder(`${P}/a`, 0o700), buildInfo));
    expect((await stat(join(destination, "a"))).mode & 0o7777).toBe(0o700);
    expect(result.directories).toBe(3);
  });

  it("set-uid, set-gid and sticky bits and write permission for others, which are dropped", async () => {
    await unpack(
      packageWith({ ...file(`${P}/f`), mode: 0o6777 }, folder(`${P}/d`, 0o3777), { ...file(`${P}/n`), mode: 0 }),
    );
    const modeOf = async (name: string): Promise<number> => (await stat(join(destination, name))).mode & 0o7777;
    expect(await Promise.all(["f", "d", "n"].map(modeOf))).toEqual([0o755, 0o755, 0o600]);
  });

  it("a global header with a comment, and records that say nothing about the content", async () => {
    const comment: RawEntry = { name: "g", type: "g", content: "19 comment=ignored\n" };
    const tar = rawTar(
      comment,
      ...start,
      { ...file(`${P}/f`), pax: { mtime: "1.5", __proto__: "x", uid: "7" } },
      buildInfo,
    );
    expect((await unpack(tar)).files).toBe(2);
  });

  it("long names and targets of GNU tar", async () => {
    const long = `${P}/${"n".repeat(150)}`;
    const tar = packageWith(
      { name: "././@LongLink", type: "L", content: `${long}\0` },
      file("short", "long"),
      { name: "././@LongLink", type: "K", content: `${long}\0` },
      { name: `${P}/h`, type: "1", target: "short" },
    );
    expect((await unpack(tar)).hardlinks).toEqual([{ path: "h", target: "n".repeat(150) }]);
    expect(await readFile(join(destination, "h"), "utf8")).toBe("long");
  });

  it("times that make no sense, which become 1970", async () => {
    await unpack(
      packageWith(
        { ...file(`${P}/f`), change: (header) => header.fill(0xff, 136, 148) },
        { ...file(`${P}/g`), mtime: 1e9 },
      ),
    );
    expect((await stat(join(destination, "f"))).mtimeMs).toBe(0);
    expect((await stat(join(destination, "g"))).mtimeMs).toBe(1e12);
  });

  it("zeros behind the end, and a compressed form of several members", async () => {
    const tar = Buffer.concat([packageWith(file(`${P}/f`)), Buffer.alloc(100_000)]);
    await unpack(Buffer.concat([gzipSync(tar.subarray(0, 1000)), gzipSync(tar.subarray(1000))]));
    expect(await readFile(join(destination, "f"), "utf8")).toBe("x");
  });
});
