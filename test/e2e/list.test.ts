import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { openLayout, type Store } from "@spkoci/core";
import { createTemporaryFolder, fixturePath, putIndexText, type TemporaryFolder } from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun } from "./support/run-spkoci.js";

const CACHE = `oci:${fixturePath("small/cache")}`;

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(async () => {
  expect(await readdir(folder.path)).toEqual([]);
  await folder.remove();
});

function spkoci(...words: string[]): Promise<SpkociRun> {
  return runSpkoci(words, { cwd: folder.path, env: { LANG: "C.UTF-8" } });
}

describe("list", () => {
  it("lists a cache that Spack wrote by architecture and compiler", async () => {
    const { stdout, stderr, exitCode } = await spkoci("list", CACHE);
    expect(stdout.split("\n")).toEqual([
      "-- linux-debian12-x86_64_v3 / %c=gcc@12.2.0 --",
      "greet-build-tool@0.1",
      "greet-plugin@0.5",
      "greeter@2.1",
      "libgreet@1.0",
      "",
      "-- linux-debian12-x86_64_v3 / no compilers --",
      "gcc-runtime@12.2.0",
      "",
      "5 packages",
      "",
    ]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  it("shows hashes, variants and dependencies", async () => {
    const { stdout } = await spkoci("list", "-lv", CACHE, "libgreet");
    expect(stdout).toContain("\nvxd7hjt libgreet@1.0~debug build_system=generic\n");
    const whole = await spkoci("list", "-L", CACHE, "libgreet");
    expect(whole.stdout).toContain("\nvxd7hjtucqhfb2xibbvbaje6fla7ikff libgreet@1.0\n");
    const tree = await spkoci("list", "-d", CACHE, "libgreet");
    expect(tree.stdout.split("\n").slice(1, 5)).toEqual([
      "libgreet@1.0",
      "├─ gcc-runtime@12.2.0",
      "│  └─ glibc@2.36 [external]",
      "└─ glibc@2.36 [external]",
    ]);
  });

  it("prints Spack's formats and nothing else", async () => {
    const { stdout } = await spkoci(
      "list",
      "--format",
      "{name}-{version}-{hash:7}{%compiler.name}",
      CACHE,
      "^libgreet",
    );
    expect(stdout).toBe("greet-plugin-0.5-4mu7dtu%gcc\ngreeter-2.1-53zaetj%gcc\n");
  });

  it("is one document with --json, with what a script needs", async () => {
    const { stdout, stderr } = await spkoci("list", "--json", CACHE, "greeter");
    expect(JSON.parse(stdout)).toMatchObject({
      source: CACHE,
      host: { platform: process.platform },
      packages: [
        {
          name: "greeter",
          version: "2.1",
          hash: "53zaetjpu7mwvi3vv3n2rag7yc3a4nuh",
          namespace: "fixtures",
          arch: { platform: "linux", os: "debian12", target: "x86_64_v3" },
          compilers: [{ name: "gcc", version: "12.2.0", languages: ["c"] }],
          parameters: { build_system: "generic" },
          dependencies: expect.arrayContaining([
            expect.objectContaining({ name: "libgreet", deptypes: ["build", "link"] }),
          ]),
          image: `${CACHE}:greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh.spack`,
          fit: { ok: true },
        },
      ],
      others: 0,
    });
    expect(stderr).toBe("");
  });

  it("leaves out what this machine can't use, says so, and lists it with --all-arch", async () => {
    const alien = join(folder.path, "alien");
    const text = await readFile(fixturePath("small/store-index.json"), "utf8");
    await writeIndex(await openLayout(alien, { create: true }), text, (node) => {
      if (node.name === "libgreet") node.arch.target = "z80";
    });
    const some = await spkoci("list", `oci:${alien}`);
    expect(some.stdout).toMatch(/\n4 packages\n1 more for other machines: --all-arch shows it too\n$/);
    const all = await spkoci("list", "--all-arch", `oci:${alien}`);
    expect(all.stdout).toMatch(
      /-- linux-debian12-z80 \/ %c=gcc@12\.2\.0 --\n {3}not for this machine: it is built for z80.*\nlibgreet@1\.0\n/,
    );
    expect(all.stdout).toMatch(/\n5 packages\n$/);
    await rm(alien, { recursive: true });
  });

  it("says nothing with --quiet", async () => {
    expect(await spkoci("list", "--quiet", CACHE)).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  });
});

describe("the examples of Spack's documentation, over a real index", () => {
  let python: TemporaryFolder;

  beforeAll(async () => {
    python = await createTemporaryFolder();
    const text = await readFile(fixturePath("python/store-index.json"), "utf8");
    await writeIndex(await openLayout(python.path, { create: true }), text);
  });

  afterAll(() => python.remove());

  const find = async (...query: string[]): Promise<string[]> => {
    const words = ["list", "--all-arch", "--format", "{name}", `oci:${python.path}`, ...query];
    const { stdout, stderr } = await runSpkoci(words, { cwd: python.path });
    expect(stderr).toBe("");
    return stdout.trimEnd().split("\n");
  };

  // Package Fundamentals, "Spec queries"; Spec Syntax. Names and versions are those of packages that the index has.
  it.each([
    // spack find libelf@0.8.12:
    [["openssl@3.0:"], ["openssl"]],
    // spack find --long libdwarf ^libelf@0.8.12
    [["sqlite", "^zlib@1.2.13"], ["sqlite"]],
    [
      ["@3", "^zlib@1.2.13"],
      ["openssl", "python", "sqlite"],
    ],
    // spack find --format … : all of them
    [
      [],
      [
        "bzip2",
        "expat",
        "gcc-runtime",
        "gdbm",
        "libffi",
        "ncurses",
        "openssl",
        "python",
        "readline",
        "sqlite",
        "xz",
        "zlib",
      ],
    ],
    // spack find --json sqlite@3.28.0, and what is not that version
    [["sqlite@3.40.1"], ["sqlite"]],
    // mpileaks@1.2:1.4 %gcc@15 target=x86_64_v3 ^libelf@1.1 %clang@20
    [["python@3.9:3.12", "%gcc@12", "target=x86_64_v3", "^zlib@1.2:1.4", "%gcc@12"], ["python"]],
    // @1.0:1.5, @:3, @1.0,1.2:1.4: ranges without a name
    [["@:1.0"], ["bzip2"]],
    [["@1.0,6.4:6.5,1.23"], ["bzip2", "gdbm", "ncurses"]],
    // %gcc, %c=gcc
    [["@2", "build_system=generic", "%c=gcc"], ["expat"]],
    // target=x86_64_v2:, os=, arch=
    [["zlib", "target=x86_64_v2:"], ["zlib"]],
    [["zlib", "arch=linux-debian12-x86_64_v3"], ["zlib"]],
    [["xz", "os=debian12"], ["xz"]],
    // /hash
    [["/kwzidw7"], ["sqlite"]],
    [["^/oiessvw"], ["openssl", "python", "sqlite"]],
  ])("%j", async (query, expected) => {
    expect(await find(...query)).toEqual(expected);
  });
});

interface Node {
  readonly name: string;
  readonly arch: { target: unknown };
}

/** Writes the index that a cache with everything of a store would have. */
async function writeIndex(store: Store, database: string, change: (node: Node) => void = () => {}): Promise<void> {
  const { version, installs } = JSON.parse(database).database;
  for (const record of Object.values<{
    spec: Node & { external?: unknown };
    installed: boolean;
    in_buildcache?: boolean;
  }>(installs)) {
    record.in_buildcache = record.installed && !record.spec.external;
    change(record.spec);
  }
  await putIndexText(store, JSON.stringify({ database: { version, installs } }));
}
