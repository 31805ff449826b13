import { pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import type { Entry } from "./entries.js";
import { formatDirectory, formatEntry, formatFile } from "./tar-entry.js";

/** What tar-stream writes of an entry; it is what Spack's readers have been shown to read. */
async function expected(entry: Entry): Promise<Buffer> {
  const linkname = "target" in entry ? entry.target : undefined;
  const writer = pack({ highWaterMark: 1 << 20 });
  writer.entry({
    name: entry.type === "directory" ? `${entry.name}/` : entry.name,
    type: { directory: "directory", file: "file", symlink: "symlink", hardlink: "link" }[entry.type] as "file",
    mode: "mode" in entry ? entry.mode : 0o755,
    mtime: new Date(0),
    ...("size" in entry ? { size: entry.size } : {}),
    ...(linkname === undefined ? {} : { linkname }),
    // tar-stream writes no PAX header for short link targets beyond ASCII.
    ...(linkname !== undefined && Buffer.byteLength(linkname) > linkname.length ? { pax: {} } : {}),
  });
  const chunks: Buffer[] = [];
  writer.on("data", (chunk) => chunks.push(chunk as Buffer));
  await new Promise((resolve) => setImmediate(resolve));
  return Buffer.concat(chunks);
}

const NAMES: readonly string[] = [
  "opt/a",
  "n".repeat(99),
  "n".repeat(100),
  "n".repeat(101),
  `${"n".repeat(100)}/`,
  `${"p".repeat(155)}/${"n".repeat(100)}`,
  `${"p".repeat(156)}/${"n".repeat(100)}`,
  `${"p".repeat(155)}/${"n".repeat(99)}`,
  "folder/".repeat(20) + "n".repeat(50),
  "folder/".repeat(40) + "n".repeat(200),
  `a/${"n".repeat(98)}`,
  `a/${"n".repeat(99)}`,
  "n".repeat(5000),
  "grüße-日本-\u{1f600}",
  `${"ü".repeat(45)}123`,
  "a\nb=c",
  // Lengths at which a PAX record's own length gets a digit more.
  ...[80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91].map((length) => `ü${"n".repeat(length)}`),
  ...[980, 981, 982, 983, 984, 985, 986, 987, 988, 989, 990].map((length) => "n".repeat(length)),
];

describe("formatEntry", () => {
  it.each(NAMES.map((name) => [name]))("writes, byte for byte, what tar-stream writes of %s", async (name) => {
    const entries: Entry[] = [
      { type: "directory", name, path: "" },
      { type: "file", name, path: "", size: 8 ** 11 - 1, mode: 0o755, mtimeNs: 0n, inode: 0n },
      { type: "file", name, path: "", size: 9 * 1024 ** 3, mode: 0o644, mtimeNs: 0n, inode: 0n },
      { type: "symlink", name, path: "", target: "short" },
      { type: "symlink", name: "short", path: "", target: name },
      { type: "hardlink", name: "short", path: "", mode: 0o644, target: name },
      { type: "hardlink", name, path: "", mode: 0o755, target: name },
    ];
    for (const entry of entries) expect(formatEntry(entry).equals(await expected(entry))).toBe(true);
  });
});

describe("formatDirectory and formatFile", () => {
  it("write the same as for entries", () => {
    expect(formatDirectory("opt").equals(formatEntry({ type: "directory", name: "opt", path: "" }))).toBe(true);
    const file = { type: "file", name: "f", path: "", size: 7, mode: 0o644, mtimeNs: 0n, inode: 0n } as const;
    expect(formatFile("f", 0o644, 7).equals(formatEntry(file))).toBe(true);
  });
});
