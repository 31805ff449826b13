import type * as fs from "node:fs";
import { mkdirSync, openSync, writeSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { rawTar, seededBytes, withTemporaryFolder } from "@spkoci/testkit";
import { afterEach, expect, it, vi } from "vitest";
import { unpackLayer } from "./unpack-layer.js";

vi.mock("node:fs", async (importOriginal) => {
  const actual = await importOriginal<typeof fs>();
  const { openSync, writeSync, mkdirSync } = actual;
  return { ...actual, openSync: vi.fn(openSync), writeSync: vi.fn(writeSync), mkdirSync: vi.fn(mkdirSync) };
});

const real: typeof fs = await vi.importActual("node:fs");

afterEach(() => {
  vi.mocked(openSync).mockImplementation(real.openSync);
  vi.mocked(writeSync).mockImplementation(real.writeSync as typeof writeSync);
  vi.mocked(mkdirSync).mockImplementation(real.mkdirSync as typeof mkdirSync);
});

const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });

const tar = rawTar(
  { name: "opt/pkg/a/small", content: "x" },
  { name: "opt/pkg/a/large", content: seededBytes("large", 600_000) },
  ...Array.from({ length: 50 }, (_, i) => ({ name: `opt/pkg/b/${i}`, content: "x" })),
  { name: "opt/pkg/.spack/binary_distribution", content: "{}" },
);

async function expectNoSpace(): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const destination = join(folder, "package");
    const unpacking = unpackLayer({ layer: Readable.from([tar]), what: "the layer", destination });
    await expect(unpacking).rejects.toMatchObject({
      code: "NO_SPACE",
      message: `no space left: unpacking to ${destination}`,
    });
    expect(await readdir(folder)).toEqual([]);
  });
}

it.each([
  ["a small file", "/small"],
  ["a large file", "/large"],
  ["the last file", "/binary_distribution"],
])("says that the disk is full when it is at %s, and leaves nothing", async (_, name) => {
  let file = -1;
  vi.mocked(openSync).mockImplementation((path, flags, mode) => {
    const opened = real.openSync(path, flags, mode);
    if (String(path).endsWith(name)) file = opened;
    return opened;
  });
  vi.mocked(writeSync).mockImplementation(((to: number, bytes: Buffer, at: number) => {
    if (to === file) throw full;
    return real.writeSync(to, bytes, at);
  }) as typeof writeSync);
  await expectNoSpace();
});

it("says that the disk is full when it is at a directory, and leaves nothing", async () => {
  vi.mocked(mkdirSync).mockImplementation(((path: string, options: fs.MakeDirectoryOptions) => {
    if (path.endsWith("/pkg/a")) throw full;
    return real.mkdirSync(path, options);
  }) as typeof mkdirSync);
  await expectNoSpace();
});
