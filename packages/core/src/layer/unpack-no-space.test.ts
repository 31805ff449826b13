import { type FileHandle, mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { rawTar, seededBytes, withTemporaryFolder } from "@spkoci/testkit";
import { afterEach, expect, it, vi } from "vitest";
import { unpackLayer } from "./unpack-layer.js";

vi.mock("node:fs/promises", async (importOriginal) => {
  const actual = await importOriginal<typeof import("node:fs/promises")>();
  return { ...actual, open: vi.fn(actual.open), mkdir: vi.fn(actual.mkdir) };
});

afterEach(() => vi.restoreAllMocks());

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
  const { open: realOpen } = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
  vi.mocked(open).mockImplementation(async (path, flags, mode): Promise<FileHandle> => {
    const file = await realOpen(path, flags, mode);
    if (String(path).endsWith(name)) file.write = async () => Promise.reject(full);
    return file;
  });
  await expectNoSpace();
});

it("says that the disk is full when it is at a directory, and leaves nothing", async () => {
  const { mkdir: realMkdir } = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
  vi.mocked(mkdir).mockImplementation(async (path, options) => {
    if (String(path).endsWith("/pkg/a")) throw full;
    return realMkdir(path, options);
  });
  await expectNoSpace();
});
