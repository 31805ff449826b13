import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { SpkociError } from "@spkoci/core";
import { type RawEntry, rawTar, withTemporaryFolder } from "@spkoci/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import { unpackLayer } from "../../packages/core/src/layer/unpack-layer.js";

const P = "opt/pkg";

/** Few enough parts that entries meet each other. */
const part = fc.constantFrom(
  "a",
  "b",
  "l",
  "lib",
  ".spack",
  "..",
  ".",
  "",
  "opt",
  "pkg",
  "canary",
  "A",
  "é",
  "n\n",
  "\\",
);
const below = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const plainName = fc
  .array(fc.constantFrom("a", "b", "l"), { minLength: 1, maxLength: 3 })
  .map((it) => `${P}/${it.join("/")}`);
const wildName = fc
  .tuple(fc.constantFrom(`${P}/`, "", "/", "../", `${P}/l/`, `${P}/../`), below)
  .map((it) => it.join(""));
const name = fc.oneof({ weight: 8, arbitrary: plainName }, { weight: 1, arbitrary: wildName });
/** The folder beside the destination's, as a link in the prefix sees it while the archive is unpacked. */
const CANARY = "../../../../../canary";
const target = fc.oneof(
  name,
  fc.constantFrom("..", "../../..", "/", CANARY, `${CANARY}/file`, "/etc/passwd", "a", "l", "."),
);
const type = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom("0", "1", "2", "5") },
  { weight: 1, arbitrary: fc.constantFrom("\0", "3", "4", "6", "7", "S", "L", "K", "g", "x", "V", "N") },
);
const linkOut = fc.constantFrom(CANARY, `${CANARY}/file`, "a").map((it) => ({ name: `${P}/l`, type: "2", target: it }));
const throughLink = fc
  .constantFrom("l", "l/file", "l/new", "l/a/b")
  .map((it) => ({ name: `${P}/${it}`, content: "evil" }));
const anything: fc.Arbitrary<RawEntry> = fc
  .record({
    name,
    type,
    target,
    mode: fc.constantFrom(0o644, 0o755, 0o4777, 0o444, 0),
    content: fc.option(fc.constantFrom("", "x", "y".repeat(600)), { nil: undefined }),
    isInPax: fc.boolean(),
    change: fc.option(fc.tuple(fc.nat({ max: 511 }), fc.nat({ max: 255 })), { nil: undefined, freq: 40 }),
    size: fc.option(fc.constantFrom(0, 1, 512, 513, 2 ** 33 - 1), { nil: undefined, freq: 40 }),
  })
  .map(({ isInPax, content, size, change, ...it }) => ({
    ...it,
    ...(it.type === "0" ? { content: content ?? "z" } : {}),
    ...(size === undefined ? {} : { size }),
    ...(change === undefined ? {} : { change: (header: Buffer) => header.fill(change[1], change[0], change[0] + 1) }),
    ...(isInPax ? { name: "short", pax: { path: it.name, linkpath: it.target } } : {}),
  }));
const entry = fc.oneof({ weight: 3, arbitrary: anything }, linkOut, throughLink);
const damage = fc.option(fc.record({ at: fc.nat({ max: 8192 }), byte: fc.nat({ max: 255 }), cut: fc.boolean() }), {
  nil: undefined,
  freq: 6,
});

/** Everything below a folder, links not followed. */
async function snapshot(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const found of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, found.name);
    if (found.isDirectory()) lines.push(`${path}/`, ...(await snapshot(path)));
    else if (found.isSymbolicLink()) lines.push(`${path} -> ${await readlink(path)}`);
    else lines.push(`${path} ${(await stat(path)).nlink} ${await readFile(path, "utf8")}`);
  }
  return lines.sort();
}

/** Only what an archive may have; throws for anything that a package can't be. */
async function checkPackage(folder: string): Promise<void> {
  for (const found of await readdir(folder, { withFileTypes: true, recursive: true })) {
    expect(found.isFile() || found.isDirectory() || found.isSymbolicLink()).toBe(true);
    if (found.isSymbolicLink()) continue;
    expect((await stat(join(found.parentPath, found.name))).mode & 0o7022).toBe(0);
  }
}

it("never writes outside of the destination, and succeeds or says why not, whatever an archive holds", async () => {
  let successes = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 8 }), damage, fc.boolean(), async (entries, broken, isGzip) => {
      await withTemporaryFolder(async (folder) => {
        await mkdir(join(folder, "canary"));
        await writeFile(join(folder, "canary/file"), "untouched");
        await symlink("canary", join(folder, "link"));
        await mkdir(join(folder, "root"));
        const before = await snapshot(folder);
        const bytes = rawTar(...entries, { name: `${P}/.spack/binary_distribution`, content: "{}" });
        const tar = broken?.cut ? bytes.subarray(0, broken.at) : bytes;
        if (broken && !broken.cut) tar[broken.at % tar.length] = broken.byte;
        const destination = join(folder, "root/package");
        try {
          await unpackLayer({ layer: Readable.from([isGzip ? gzipSync(tar) : tar]), what: "it", destination });
          successes += 1;
          await checkPackage(destination);
        } catch (error) {
          expect(error).toBeInstanceOf(SpkociError);
          expect((error as SpkociError).code).toBe("ARCHIVE_REFUSED");
          expect((error as SpkociError).message).not.toMatch(/\p{Cc}/u);
          expect(await readdir(join(folder, "root"))).toEqual([]);
        }
        const after = (await snapshot(folder)).filter((line) => !line.startsWith(destination));
        expect(after).toEqual(before);
      });
    }),
    { numRuns: 1000 },
  );
  expect(successes).toBeGreaterThan(50);
});
