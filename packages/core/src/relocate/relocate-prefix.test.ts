import { chmod, link, lstat, mkdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buildMachO, fixturePath, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { createAliases } from "./alias.js";
import { type RelocateOptions, type RelocationReport, relocatePrefix } from "./relocate-prefix.js";

const OLD = "/old/store/linux/greet-1.0-abcdefg";
const ROOT = "/new";
const PREFIX = "/new/linux/greet-1.0-abcdefg";

interface Tree {
  readonly folder: string;
  put(path: string, content: string | Buffer, mode?: number): Promise<string>;
  relocate(
    lists: Partial<Record<"relocateBinaries" | "relocateTextfiles" | "relocateLinks", readonly string[]>>,
    options?: Partial<RelocateOptions> & { readonly root?: string; readonly signal?: AbortSignal },
  ): Promise<RelocationReport>;
}

function withTree(task: (tree: Tree) => Promise<void>): Promise<void> {
  return withTemporaryFolder(async (base) => {
    const folder = join(base, "prefix");
    await mkdir(folder);
    await task({
      folder,
      put: async (path, content, mode = 0o644) => {
        const onDisk = join(folder, path);
        await mkdir(dirname(onDisk), { recursive: true });
        await writeFile(onDisk, content);
        await chmod(onDisk, mode);
        return onDisk;
      },
      relocate: (lists, { root = ROOT, signal, ...options } = {}) =>
        relocatePrefix(
          {
            folder,
            what: "greet@1.0",
            info: {
              buildpath: "/old/store",
              hardlinksDeduped: true,
              hashToPrefix: new Map([["abcdefg", OLD]]),
              relativePrefix: "linux/greet-1.0-abcdefg",
              relocateBinaries: [],
              relocateLinks: [],
              relocateTextfiles: [],
              sbangInstallPath: "/old/store/bin/sbang",
              ...lists,
            },
            target: {
              root,
              prefix: `${root}/linux/greet-1.0-abcdefg`,
              prefixes: new Map([["abcdefg", `${root}/linux/greet-1.0-abcdefg`]]),
              sbang: `${root}/bin/sbang`,
            },
            ...options,
          },
          { signal },
        ),
    });
  });
}

const refused = { code: "RELOCATION_FAILED" };
const library = (): Promise<Buffer> => readFile(fixturePath("elf/x86_64-library.so"));

describe("relocatePrefix", () => {
  it("relocates the listed binaries, text files and links, and no other", () =>
    withTree(async ({ folder, put, relocate }) => {
      const text = await put("etc/conf", `prefix=${OLD}\n`);
      const unlisted = await put("etc/other", `prefix=${OLD}\n`);
      const binary = await put("lib/libgreet.so", await library());
      await symlink(`${OLD}/lib`, join(folder, "lib64"));
      await symlink("lib", join(folder, "relative"));
      const report = await relocate({
        relocateBinaries: ["lib/libgreet.so"],
        relocateTextfiles: ["etc/conf"],
        relocateLinks: ["lib64", "relative"],
      });
      expect(report).toEqual({
        changed: ["lib/libgreet.so", "etc/conf", "lib64"],
        unheld: [],
        malformed: [],
        aliases: new Map(),
      });
      expect(await readFile(text, "utf8")).toBe(`prefix=${PREFIX}\n`);
      expect(await readFile(unlisted, "utf8")).toBe(`prefix=${OLD}\n`);
      expect((await readFile(binary)).includes(`${PREFIX}/lib`)).toBe(true);
      expect(await readlink(join(folder, "lib64"))).toBe(`${PREFIX}/lib`);
      expect(await readlink(join(folder, "relative"))).toBe("lib");
    }));

  it("relocates hard links once and keeps them", () =>
    withTree(async ({ folder, put, relocate }) => {
      const first = await put("bin/a", `#!${OLD}/bin/sh\n`, 0o755);
      await link(first, join(folder, "bin/b"));
      const report = await relocate({ relocateTextfiles: ["bin/a", "bin/b"] }, { root: "/old/store/old/store" });
      expect(report.changed).toEqual(["bin/a"]);
      expect(await readFile(join(folder, "bin/b"), "utf8")).toBe(`#!/old/store${OLD}/bin/sh\n`);
      expect((await stat(first)).nlink).toBe(2);
    }));

  it("names a hard link as the list does first, though its other name is found sooner", () =>
    withTree(async ({ folder, put, relocate }) => {
      const first = await put("bin/in/many/folders/a", `#!${OLD}/bin/sh\n`, 0o755);
      await link(first, join(folder, "b"));
      const report = await relocate({ relocateTextfiles: ["bin/in/many/folders/a", "b"] });
      expect(report.changed).toEqual(["bin/in/many/folders/a"]);
    }));

  it.each([0o444, 0o555, 0o600, 0o755])("keeps mode %o, whether it may be written or not", (mode) =>
    withTree(async ({ put, relocate }) => {
      const text = await put("file", `x ${OLD}/y is shorter now`, mode);
      const binary = await put("lib.so", await library(), mode);
      await relocate({ relocateTextfiles: ["file"], relocateBinaries: ["lib.so"] });
      expect((await stat(text)).mode & 0o7777).toBe(mode);
      expect((await stat(binary)).mode & 0o7777).toBe(mode);
      expect(await readFile(text, "utf8")).toBe(`x ${PREFIX}/y is shorter now`);
    }),
  );

  it("does with files that it reads in pieces what it does with others", () =>
    withTree(async ({ folder, put, relocate }) => {
      const script = `#!${OLD}/${"d".repeat(150)}/python3\n${`path ${OLD}/lib\n`.repeat(9000)}`;
      const binary = Buffer.concat([await library(), Buffer.from(`${OLD}/share/data\0`.repeat(20_000))]);
      await put("a.py", script, 0o755);
      await put("b.py", script, 0o755);
      await link(join(folder, "b.py"), join(folder, "c.py"));
      await put("a.so", binary);
      await put("b.so", binary);
      await relocate({ relocateTextfiles: ["a.py"], relocateBinaries: ["a.so"] });
      const report = await relocate({ relocateTextfiles: ["b.py"], relocateBinaries: ["b.so"] }, { wholeLimit: 100 });
      expect(report.changed).toEqual(["b.so", "b.py"]);
      expect((await readFile(join(folder, "b.py"))).equals(await readFile(join(folder, "a.py")))).toBe(true);
      expect((await readFile(join(folder, "b.so"))).equals(await readFile(join(folder, "a.so")))).toBe(true);
      expect((await readFile(join(folder, "c.py"), "utf8")).startsWith("#!/bin/sh /new/bin/sbang\n#!/new/")).toBe(true);
      expect((await readFile(join(folder, "b.so"))).includes("/old/store")).toBe(false);
    }));

  it("leaves a large text file alone that names no old prefix", () =>
    withTree(async ({ put, relocate }) => {
      const text = await put("big", "nothing to do here\n".repeat(100));
      const before = await stat(text);
      expect((await relocate({ relocateTextfiles: ["big"] }, { wholeLimit: 10 })).changed).toEqual([]);
      expect((await stat(text)).mtimeMs).toBe(before.mtimeMs);
    }));

  it("gives executable scripts sbang lines, and others not", () =>
    withTree(async ({ put, relocate }) => {
      const script = `#!${OLD}/${"d".repeat(150)}/lua\n`;
      const tool = await put("bin/tool", script, 0o755);
      const module = await put("lib/module.lua", script);
      await relocate({ relocateTextfiles: ["bin/tool", "lib/module.lua"] });
      const line = `${PREFIX}/${"d".repeat(150)}/lua\n`;
      expect(await readFile(tool, "utf8")).toBe(`#!/bin/sh /new/bin/sbang\n--!${line}`);
      expect(await readFile(module, "utf8")).toBe(`#!${line}`);
    }));

  it("leads existing sbang lines to the new sbang script", () =>
    withTree(async ({ put, relocate }) => {
      const tool = await put("bin/tool", `#!/bin/sh /old/store/bin/sbang\n#!${OLD}/bin/perl\n`, 0o755);
      await relocate({ relocateTextfiles: ["bin/tool"] });
      expect(await readFile(tool, "utf8")).toBe(`#!/bin/sh /new/bin/sbang\n#!${PREFIX}/bin/perl\n`);
    }));

  const LONG_ROOT = `/${"r".repeat(250)}`;
  const content = Buffer.concat([Buffer.from("\x7fELF no more\0"), Buffer.from(`${OLD}/share/data\0`)]);

  it("fails for strings and first lines that can't hold the new paths, naming them", () =>
    withTree(async ({ put, relocate }) => {
      await put("bin/data", content);
      await put("bin/tool", `#!${OLD}/bin/perl\n`, 0o755);
      const lists = { relocateBinaries: ["bin/data"], relocateTextfiles: ["bin/tool"] };
      const failed = relocate(lists, { root: LONG_ROOT });
      await expect(failed).rejects.toMatchObject({ code: "RELOCATION_TOO_LONG" });
      await expect(failed).rejects.toThrow(/greet@1\.0 .*bin\/data .*bin\/tool/);
    }));

  it("leaves and reports them where that is allowed", () =>
    withTree(async ({ put, relocate }) => {
      const binary = await put("bin/data", content);
      await put("bin/tool", `#!${OLD}/bin/perl\n`, 0o755);
      const lists = { relocateBinaries: ["bin/data"], relocateTextfiles: ["bin/tool"] };
      const report = await relocate(lists, { root: LONG_ROOT, allowUnrelocatable: true });
      expect(report.unheld.map(({ file }) => file)).toEqual(["bin/data", "bin/tool"]);
      expect((await readFile(binary)).equals(content)).toBe(true);
      expect(report.malformed).toMatchObject([{ file: "bin/data" }]);
    }));

  it("writes aliases into them where there are any", () =>
    withTree(async ({ put, relocate }) => {
      const binary = await put("bin/data", content);
      const tool = await put("bin/tool", `#!${OLD}/bin/perl\n`, 0o755);
      const aliasOf = createAliases("/l", new Map());
      const lists = { relocateBinaries: ["bin/data"], relocateTextfiles: ["bin/tool"] };
      const report = await relocate(lists, { root: LONG_ROOT, aliasOf });
      const prefix = `${LONG_ROOT}/linux/greet-1.0-abcdefg`;
      expect(report.unheld).toEqual([]);
      expect(report.aliases).toEqual(
        new Map([
          [prefix, "/l/abcdefg"],
          [LONG_ROOT, "/l/store"],
        ]),
      );
      expect((await readFile(binary)).includes("//l/abcdefg/share/data\0")).toBe(true);
      expect(await readFile(tool, "utf8")).toBe(`#!/bin/sh /l/store/bin/sbang\n#!${prefix}/bin/perl\n`);
    }));

  it("has changed Mach-O files signed, and only those", () =>
    withTree(async ({ put, relocate }) => {
      const changed = await put("lib/a.dylib", buildMachO([{ command: 0xd, path: `${OLD}/lib/a.dylib` }]));
      await put("lib/b.dylib", buildMachO([{ command: 0xd, path: "/usr/lib/b.dylib" }]));
      await put("lib/c.so", await library());
      const signed: string[] = [];
      const sign = async (path: string): Promise<void> => {
        signed.push(path);
      };
      await relocate({ relocateBinaries: ["lib/a.dylib", "lib/b.dylib", "lib/c.so"] }, { sign });
      expect(signed).toEqual([changed]);
    }));

  it("does nothing where nothing moves", () =>
    withTree(async ({ put, relocate }) => {
      await put("bin/data", content);
      const report = await relocate({ relocateBinaries: ["bin/data", "bin/missing"] }, { root: "/old/store" });
      expect(report.changed).toEqual([]);
    }));

  it.each(["../outside", "/etc/passwd", "a/../../outside", "etc//conf", "", ".", "a\0b", "no/such", "conf/below"])(
    "refuses a list that names %j",
    (path) =>
      withTree(async ({ put, relocate }) => {
        await put("conf", "x");
        await expect(relocate({ relocateTextfiles: [path] })).rejects.toMatchObject(refused);
        await expect(relocate({ relocateBinaries: [path] })).rejects.toMatchObject(refused);
        await expect(relocate({ relocateLinks: [path] })).rejects.toMatchObject(refused);
      }),
  );

  it("never writes through a symbolic link", () =>
    withTree(async ({ folder, put, relocate }) => {
      const outside = join(folder, "..", "outside");
      await mkdir(outside);
      await writeFile(join(outside, "file"), OLD);
      await symlink(outside, join(folder, "dir"));
      await symlink(join(outside, "file"), join(folder, "file"));
      await put("there", "x");
      await expect(relocate({ relocateTextfiles: ["dir/file"] })).rejects.toMatchObject(refused);
      expect((await relocate({ relocateTextfiles: ["file"], relocateBinaries: ["file"] })).changed).toEqual([]);
      expect(await readFile(join(outside, "file"), "utf8")).toBe(OLD);
      expect((await lstat(join(folder, "file"))).isSymbolicLink()).toBe(true);
    }));

  it("stops when it is told to", () =>
    withTree(async ({ put, relocate }) => {
      await put("file", OLD);
      const signal = AbortSignal.abort(new Error("enough"));
      await expect(relocate({ relocateTextfiles: ["file"] }, { signal })).rejects.toThrow("enough");
    }));
});
