import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createTemporaryFolder, fixturePath, requireTool, type TemporaryFolder } from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PrefixMap } from "../../packages/core/src/relocate/prefix-map.js";
import { relocateBinary } from "../../packages/core/src/relocate/relocate-binary.js";

const run = promisify(execFile);
const hasTools = ["gcc", "readelf", "strip", "patchelf"].every(requireTool);

const LIBRARY = "int answer(void) { return 42; }\n";
/** Uses memory that only the loader and the kernel set up: zeros behind the data, and the heap. */
const PROGRAM = `
#include <stdio.h>
#include <stdlib.h>
static char zeros[1 << 20];
int answer(void);
int main(void) {
  for (unsigned i = 0; i < sizeof zeros; i++) if (zeros[i]) return 9;
  char *heap = malloc(100000);
  for (int i = 0; i < 100000; i++) heap[i] = zeros[i] = 1;
  printf("%d\\n", answer());
  return 0;
}
`;

interface Kind {
  readonly name: string;
  /** Flags of the program and of the library, and of the program alone. */
  readonly flags: readonly string[];
  readonly program?: readonly string[];
}

const KINDS: readonly Kind[] = [
  { name: "position-independent", flags: [], program: ["-pie"] },
  { name: "at fixed addresses", flags: [], program: ["-no-pie"] },
  { name: "stripped", flags: ["-s"], program: ["-pie"] },
  { name: "at fixed addresses, stripped", flags: ["-s"], program: ["-no-pie"] },
  { name: "with RPATH, few pages", flags: ["-Wl,--disable-new-dtags,-z,noseparate-code"], program: ["-pie"] },
  {
    name: "with RPATH, few pages, at fixed addresses",
    flags: ["-Wl,--disable-new-dtags,-z,noseparate-code"],
    program: ["-no-pie"],
  },
  { name: "with separate pages for code", flags: ["-Wl,-z,separate-code"], program: ["-pie"] },
  { name: "with old hash tables and no build id", flags: ["-Wl,--hash-style=sysv,--build-id=none"] },
  { name: "for pages of 64 KiB", flags: ["-Wl,-z,max-page-size=65536"] },
  { name: "with debug information", flags: ["-g"] },
];

/** Program and library of one kind in `from`, and the same files relocated to `to`. */
interface Pair {
  readonly to: string;
  readonly program: string;
  readonly library: string;
}

/** A path of at least `length` bytes. */
const padded = (folder: string, name: string, length: number): string =>
  join(folder, "p".repeat(Math.max(1, length - folder.length)), name);

async function relocate(files: readonly string[], from: string, to: string): Promise<Pair> {
  for (const file of files) {
    const { bytes, unheld, malformed } = relocateBinary(
      await readFile(join(from, file)),
      file,
      new PrefixMap([[from, to]]),
    );
    expect({ unheld, malformed }).toEqual({ unheld: [], malformed: undefined });
    const target = join(to, file);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes ?? (await readFile(join(from, file))), { mode: 0o755 });
  }
  return { to, program: join(to, "bin/program"), library: join(to, "lib/libanswer.so") };
}

/** The program runs, finds its library and its loader under `to`, and readelf finds nothing odd. */
async function judge({ to, program, library }: Pair): Promise<void> {
  expect((await run(program, [])).stdout).toBe("42\n");
  const { stdout: loaded } = await run("ldd", [program]);
  expect(loaded).toContain(`libanswer.so => ${to}/lib/libanswer.so`);
  expect(loaded).not.toContain("not found");
  for (const file of [program, library]) {
    const { stdout, stderr } = await run("readelf", ["-aW", file], { maxBuffer: 64 * 1024 * 1024 });
    expect(stderr).toBe("");
    expect(stdout).not.toMatch(/<corrupt|warning|<no-strings>/i);
  }
}

describe.skipIf(!hasTools).each(KINDS)("programs and libraries $name", ({ flags, program = [] }) => {
  let folder: TemporaryFolder;
  let from: string;
  let tag: string;
  const files = ["bin/program", "lib/libanswer.so"];

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    from = padded(folder.path, "old", 60);
    await mkdir(join(from, "bin"), { recursive: true });
    await mkdir(join(from, "lib"));
    await writeFile(join(folder.path, "library.c"), LIBRARY);
    await writeFile(join(folder.path, "program.c"), PROGRAM);
    const rpath = `-Wl,-rpath,${from}/lib`;
    const library = join(from, "lib/libanswer.so");
    await run("gcc", ["-shared", "-fPIC", join(folder.path, "library.c"), "-o", library, rpath, ...flags]);
    const { stdout } = await run("readelf", ["-lW", process.execPath]);
    const loader = /interpreter: ([^\]]+)\]/.exec(stdout)?.[1] ?? "";
    await symlink(loader, join(from, "lib/ld.so"));
    await run("gcc", [
      ...[join(folder.path, "program.c"), "-o", join(from, "bin/program"), `-L${from}/lib`, "-lanswer", rpath],
      ...[`-Wl,--dynamic-linker=${from}/lib/ld.so`, ...flags, ...program],
    ]);
    tag = flags.some((flag) => flag.includes("--disable-new-dtags")) ? "RPATH" : "RUNPATH";
  });
  afterAll(() => folder.remove());

  /** Relocates while the old folder is away, so that nothing can be found there. */
  async function moved(to: string): Promise<Pair> {
    const pair = await relocate(files, from, to);
    await cp(join(from, "lib/ld.so"), join(to, "lib/ld.so"), { verbatimSymlinks: true });
    return pair;
  }

  async function withoutOld(task: () => Promise<void>): Promise<void> {
    await rename(from, `${from}.away`);
    try {
      await task();
    } finally {
      await rename(`${from}.away`, from);
    }
  }

  it("run from a shorter prefix, as large as they were", async () => {
    const pair = await moved(join(folder.path, "s"));
    await withoutOld(() => judge(pair));
    for (const file of files) {
      const [before, after] = await Promise.all([readFile(join(from, file)), readFile(join(pair.to, file))]);
      expect(after.length).toBe(before.length);
    }
  });

  it("run from a longer prefix, without a trace of the old one", async () => {
    const pair = await moved(padded(folder.path, "longer", 200));
    await withoutOld(() => judge(pair));
    for (const file of files) {
      expect((await readFile(join(pair.to, file))).includes(from)).toBe(false);
      const { stdout } = await run("readelf", ["-dW", join(pair.to, file)]);
      expect(stdout).toContain(`(${tag})`);
      expect(stdout).toContain(`[${pair.to}/lib]`);
    }
  });

  it("run when they are relocated to a longer prefix again", async () => {
    const once = await moved(padded(folder.path, "first", 130));
    const to = padded(folder.path, "second", 220);
    const twice = await relocate(files, once.to, to);
    await cp(join(from, "lib/ld.so"), join(to, "lib/ld.so"), { verbatimSymlinks: true });
    await rename(once.to, `${once.to}.away`);
    await withoutOld(() => judge(twice));
  });

  it("run after strip", async () => {
    const pair = await moved(padded(folder.path, "strip", 200));
    for (const file of files) {
      const { stderr } = await run("strip", [join(pair.to, file)]);
      expect(stderr).toBe("");
    }
    await withoutOld(() => judge(pair));
  });

  it("are read and edited by patchelf", async () => {
    const pair = await moved(padded(folder.path, "patchelf", 200));
    const other = `${pair.to}/lib:${padded("/elsewhere", "lib", 300)}`;
    for (const file of files) {
      const path = join(pair.to, file);
      expect((await run("patchelf", ["--print-rpath", path])).stdout).toBe(`${pair.to}/lib\n`);
      await run("patchelf", ["--set-rpath", other, path]);
      expect((await run("patchelf", ["--print-rpath", path])).stdout).toBe(`${other}\n`);
    }
    await withoutOld(() => judge(pair));
  });

  it("have what patchelf writes for the same prefix", async () => {
    const pair = await moved(padded(folder.path, "same", 200));
    for (const file of files) {
      const theirs = join(folder.path, "theirs");
      await cp(join(from, file), theirs);
      const force = tag === "RPATH" ? ["--force-rpath"] : [];
      await run("patchelf", [...force, "--set-rpath", `${pair.to}/lib`, theirs]);
      const pathsOf = async (path: string): Promise<string[]> => {
        const { stdout } = await run("readelf", ["-dW", path]);
        return stdout.split("\n").filter((line) => /PATH|NEEDED|SONAME/.test(line));
      };
      expect(await pathsOf(join(pair.to, file))).toEqual(await pathsOf(theirs));
      const symbolsOf = async (path: string): Promise<string> =>
        (await run("readelf", ["--dyn-syms", "-VW", path])).stdout;
      const names = (text: string): string[] =>
        text.match(/[\w@.]*(?:answer|printf|malloc|GLIBC_[\d.]+)[\w@.]*/g) ?? [];
      expect(names(await symbolsOf(join(pair.to, file)))).toEqual(names(await symbolsOf(theirs)));
    }
  });

  it("run without section headers", async () => {
    const bare = padded(folder.path, "bare", 60);
    const pair = await relocate(files, from, bare);
    for (const file of files) {
      const bytes = await readFile(join(bare, file));
      const is64 = bytes[4] === 2;
      bytes.fill(0, is64 ? 40 : 32, is64 ? 48 : 36);
      bytes.fill(0, is64 ? 60 : 48, is64 ? 64 : 52);
      await writeFile(join(bare, file), bytes);
    }
    const to = padded(folder.path, "headerless", 200);
    const longer = await relocate(files, pair.to, to);
    await cp(join(from, "lib/ld.so"), join(to, "lib/ld.so"), { verbatimSymlinks: true });
    await rename(bare, `${bare}.away`);
    await withoutOld(async () => {
      expect((await run(longer.program, [])).stdout).toBe("42\n");
      for (const file of files) {
        const { stderr } = await run("readelf", ["-dlW", join(to, file)]);
        expect(stderr).toBe("");
      }
    });
  });
});

describe.skipIf(!hasTools)("files of other machines", () => {
  const OLD = "/old/store/linux/greet-1.0-abcdefg";
  const names = ["i686", "powerpc", "aarch64", "x86_64"].flatMap((name) => [`${name}-library.so`, `${name}-program`]);

  it.each([...names, "x86_64-fixed-program"])(
    "%s is sane for readelf and patchelf in a longer prefix",
    async (name) => {
      const folder = await createTemporaryFolder();
      try {
        const to = `/new/${"n".repeat(200)}`;
        const { bytes } = relocateBinary(await readFile(fixturePath(`elf/${name}`)), name, new PrefixMap([[OLD, to]]));
        const path = join(folder.path, name);
        await writeFile(path, bytes ?? "");
        const { stdout, stderr } = await run("readelf", ["-aW", path]);
        expect(stderr).toBe("");
        expect(stdout).not.toMatch(/<corrupt|warning|<no-strings>/i);
        const [first = ""] = (await run("patchelf", ["--print-rpath", path])).stdout.trim().split(":");
        expect(first).toBe(`${to}/lib`);
        if (name.endsWith("program")) {
          expect((await run("patchelf", ["--print-interpreter", path])).stdout).toBe(`${to}/lib/ld.so\n`);
        }
      } finally {
        await folder.remove();
      }
    },
  );
});

describe.skipIf(!hasTools)("files that have nothing to relocate", () => {
  it.each([
    ["a static program", ["-static"]],
    ["a static program that can be loaded anywhere", ["-static-pie"]],
    ["an object file", ["-c"]],
  ])("%s stays as it is", async (_, flags) => {
    const folder = await createTemporaryFolder();
    try {
      const [source, output] = [join(folder.path, "main.c"), join(folder.path, "main")];
      await writeFile(source, "int main(void) { return 0; }\n");
      await run("gcc", [...flags, source, "-o", output]);
      const outcome = relocateBinary(await readFile(output), "main", new PrefixMap([["/no/such/prefix", "/x"]]));
      expect(outcome).toMatchObject({ changed: false, malformed: undefined });
    } finally {
      await folder.remove();
    }
  });
});
