import { execFileSync } from "node:child_process";
import { once } from "node:events";
import type { BigIntStats } from "node:fs";
import { chmod, link, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Awaitable, directCalls, pooledCalls } from "../base/file-calls.js";
import { type Entry, type PrefixEntries, readEntries, readingFailed } from "./entries.js";

const prefix = "/opt/spack/pkg-1.0";

let temporary: TemporaryFolder;
let path: string;

beforeEach(async () => {
  temporary = await createTemporaryFolder();
  path = join(temporary.path, "pkg");
  await mkdir(path);
});

afterEach(() => temporary.remove());

const list = (): Promise<PrefixEntries> => readEntries({ prefix, path });

async function listNames(): Promise<string[]> {
  return (await list()).entries.map((entry) => entry.path);
}

async function entryOf(name: string): Promise<Entry | undefined> {
  return (await list()).entries.find((entry) => entry.path === name);
}

async function write(name: string, content = "x"): Promise<void> {
  await mkdir(join(path, name, ".."), { recursive: true });
  await writeFile(join(path, name), content);
}

describe("readEntries", () => {
  it("names entries by the recorded prefix, wherever it lies on disk, and the folders above it", async () => {
    await write("lib/a");
    const { parents, entries } = await list();
    expect(parents).toEqual(["opt", "opt/spack"]);
    expect(entries.map(({ type, name, path }) => [type, name, path])).toEqual([
      ["directory", "opt/spack/pkg-1.0", ""],
      ["directory", "opt/spack/pkg-1.0/lib", "lib"],
      ["file", "opt/spack/pkg-1.0/lib/a", "lib/a"],
    ]);
  });

  it("lists files and links of a folder before its folders, each in byte order, depth first", async () => {
    for (const name of ["b/y/1", "b/x", "b-c/1", "a", "c", "Z", "é", "\ufffd", "\u{1f600}", "a.d/1"]) await write(name);
    await symlink("b", join(path, "bb"));
    const expected = ["", "Z", "a", "bb", "c", "é", "\ufffd", "\u{1f600}", "a.d", "a.d/1", "b", "b/x", "b/y", "b/y/1"];
    expect(await listNames()).toEqual([...expected, "b-c", "b-c/1"]);
  });

  it.each(["lib/.wh.libz.so", ".wh..wh..opq", "lib/.wh.folder/x"])(
    "checklist 46: refuses %s, which would be a whiteout in a layer",
    async (name) => {
      await write(name);
      await write("lib/wh.x");
      await expect(list()).rejects.toMatchObject({
        code: "PREFIX_INVALID",
        message: expect.stringContaining(name.split("/").slice(0, 2).join("/")),
      });
    },
  );

  it("keeps link targets as they are and follows none", async () => {
    await symlink("/opt/spack/pkg-1.0/lib", join(path, "to-folder"));
    await symlink("../gone/ü", join(path, "dangling"));
    expect(await entryOf("to-folder")).toMatchObject({ type: "symlink", target: "/opt/spack/pkg-1.0/lib" });
    expect(await entryOf("dangling")).toMatchObject({ type: "symlink", target: "../gone/ü" });
  });

  it("makes the first of several hard links the file, the others links to its entry", async () => {
    await write("z-folder/first");
    await link(join(path, "z-folder/first"), join(path, "second"));
    await link(join(path, "z-folder/first"), join(path, "a-link"));
    const target = "opt/spack/pkg-1.0/a-link";
    const { entries, totalSize } = await list();
    expect(entries.map(({ type, path }) => [type, path])).toEqual([
      ["directory", ""],
      ["file", "a-link"],
      ["hardlink", "second"],
      ["directory", "z-folder"],
      ["hardlink", "z-folder/first"],
    ]);
    expect(entries.filter(({ type }) => type === "hardlink")).toMatchObject([{ target }, { target }]);
    expect(totalSize).toBe(1);
  });

  it("treats a file whose other link is outside the prefix as a file", async () => {
    await write("inside");
    await link(join(path, "inside"), join(temporary.path, "outside"));
    expect(await entryOf("inside")).toMatchObject({ type: "file" });
  });

  it("gives files 0755 if their owner may execute them, else 0644", async () => {
    for (const [name, mode] of [
      ["a", 0o4711],
      ["b", 0o600],
      ["c", 0o677],
    ] as const) {
      await write(name);
      await chmod(join(path, name), mode);
    }
    expect((await list()).entries.slice(1)).toMatchObject([{ mode: 0o755 }, { mode: 0o644 }, { mode: 0o644 }]);
  });

  it("records size, time and inode, and sums up the sizes", async () => {
    await write("a", "12345");
    await write("b/c", "123");
    const stats = await stat(join(path, "a"), { bigint: true });
    expect(await entryOf("a")).toMatchObject({ size: 5, mtimeNs: stats.mtimeNs, inode: stats.ino });
    expect((await list()).totalSize).toBe(8);
  });

  it("leaves out the build info of an earlier push, and nothing else of that name", async () => {
    await write(".spack/binary_distribution");
    await write(".spack/spec.json");
    await write("share/.spack/binary_distribution");
    expect(await listNames()).toEqual([
      "",
      ".spack",
      ".spack/spec.json",
      "share",
      "share/.spack",
      "share/.spack/binary_distribution",
    ]);
  });

  it("leaves out pipes and sockets", async () => {
    execFileSync("mkfifo", [join(path, "pipe")]);
    const server = createServer().listen(join(path, "socket"));
    await once(server, "listening");
    await write("file");
    const names = await listNames();
    server.close();
    expect(names).toEqual(["", "file"]);
  });

  it("bears names with line breaks and control characters", async () => {
    await write("a\nb\u0001\\c");
    expect(await listNames()).toEqual(["", "a\nb\u0001\\c"]);
  });

  it("refuses a name that is not UTF-8, and says which", async () => {
    await writeFile(Buffer.concat([Buffer.from(`${path}/caf`), Buffer.of(0xe9)]), "x");
    await write("\ufffd is a valid name");
    await expect(list()).rejects.toMatchObject({
      code: "PREFIX_INVALID",
      message: expect.stringContaining(`"café" in ${path}`),
    });
  });

  it("refuses a link target that is not UTF-8, and says of which link", async () => {
    await symlink(Buffer.of(0xe9), join(path, "link"));
    await expect(list()).rejects.toMatchObject({
      code: "PREFIX_INVALID",
      message: expect.stringContaining(join(path, "link")),
    });
  });

  it("says that a prefix doesn't exist, with both its paths", async () => {
    const gone = join(temporary.path, "gone");
    await expect(readEntries({ prefix, path: gone })).rejects.toMatchObject({
      code: "PREFIX_MISSING",
      message: `the install prefix ${prefix} (${gone}) doesn't exist`,
    });
  });

  it("says that a prefix is no folder", async () => {
    await write("file");
    const file = join(path, "file");
    await expect(readEntries({ prefix: file, path: file })).rejects.toMatchObject({
      code: "PREFIX_MISSING",
      message: `the install prefix ${file} is not a folder`,
    });
  });

  it.each(["/", "", "relative", "/opt/../etc", "/opt//spack", "/opt/spack/"])(
    "refuses %j as a recorded prefix",
    async (bad) => {
      await expect(readEntries({ prefix: bad, path })).rejects.toMatchObject({ code: "PREFIX_INVALID" });
    },
  );

  it("lets other work in while it lists with calls that answer at once", async () => {
    for (let at = 0; at < 20; at += 1) await write(`${at}/file`);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 0);
    let listed = 0;
    const calls = {
      ...directCalls,
      readdir: (folder: string) => {
        listed += 1;
        // Longer than the time until the abort is due.
        const until = performance.now() + 2;
        while (performance.now() < until);
        return directCalls.readdir(folder);
      },
    };
    await expect(readEntries({ prefix, path }, { signal: stop.signal }, calls)).rejects.toThrow("enough");
    expect(listed).toBeLessThan(20);
  });

  const vanished = (at: string): Error => Object.assign(new Error("gone"), { code: "ENOENT", path: at });
  const late = (at: string): Promise<never> =>
    sleep(at.endsWith("/b") ? 20 : 1).then(() => Promise.reject(vanished(at)));
  const atOnce = (at: string): never => {
    throw vanished(at);
  };
  it.each([
    { when: "at once", fail: atOnce },
    { when: "later", fail: late },
    { when: "first later, then at once", fail: (at: string) => (at.endsWith("/b") ? late(at) : atOnce(at)) },
  ])("says of several files that vanish $when which was the first", async ({ fail }) => {
    for (const name of ["a", "b", "c", "d"]) await write(name);
    const lstat = (at: string): Awaitable<BigIntStats> => (/\/[bd]$/.test(at) ? fail(at) : directCalls.lstat(at));
    await expect(readEntries({ prefix, path }, {}, { ...directCalls, lstat })).rejects.toMatchObject({
      code: "FILE_CHANGED",
      message: expect.stringContaining(`${join(path, "b")} vanished`),
    });
  });

  it("lists folders of more files than are looked at together, with calls of either kind", async () => {
    const names = Array.from({ length: 200 }, (_, at) => `f${String(at).padStart(3, "0")}`);
    for (const name of names) await write(`many/${name}`, name);
    for (const calls of [directCalls, pooledCalls]) {
      const { entries, totalSize } = await readEntries({ prefix, path }, {}, calls);
      expect(entries.map((entry) => entry.path)).toEqual(["", "many", ...names.map((name) => `many/${name}`)]);
      expect(totalSize).toBe(800);
    }
  });

  it("stops when it is aborted", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(readEntries({ prefix, path }, { signal })).rejects.toThrow("enough");
  });
});

describe("readingFailed", () => {
  const systemError = (code: string): Error => Object.assign(new Error(code), { code });

  it.each([
    ["EACCES", "FILE_UNREADABLE"],
    ["EPERM", "FILE_UNREADABLE"],
    ["EIO", "FILE_UNREADABLE"],
    ["ENOENT", "FILE_CHANGED"],
    ["ENOTDIR", "FILE_CHANGED"],
    ["ELOOP", "FILE_CHANGED"],
  ])("makes %s %s and names the file", (system, code) => {
    expect(readingFailed(systemError(system), "/opt/x/file")).toMatchObject({
      code,
      message: expect.stringContaining("/opt/x/file"),
    });
  });

  it("leaves other errors alone", () => {
    const error = new Error("a defect");
    expect(readingFailed(error, "/opt/x/file")).toBe(error);
  });
});
