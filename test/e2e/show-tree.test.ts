import { readdir } from "node:fs/promises";
import { copyBlob, INDEX_TAG, openLayout, openRegistry, parseManifest, type Store } from "@spkoci/core";
import {
  createTemporaryFolder,
  type DockerRegistry,
  fixturePath,
  requireTool,
  startDockerRegistry,
  type TemporaryFolder,
} from "@spkoci/testkit";
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

describe("show", () => {
  it("shows image, layers, environment and dependencies", async () => {
    const { stdout, stderr, exitCode } = await spkoci("show", CACHE, "greeter", "^libgreet");
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("greeter@2.1/53zaetj");
    expect(stdout).toMatch(/^image +oci:.*:greeter-2\.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh\.spack$/m);
    expect(stdout).toMatch(/^runs on +linux\/amd64, debian12, x86_64_v3, glibc 2\.36 or newer$/m);
    expect(stdout).toMatch(/^size +86\.3 KiB in 3 layers$/m);
    expect(stdout).toMatch(/^LAYER +SIZE +SHARED BY$/m);
    expect(stdout).toMatch(/^gcc-runtime@12\.2\.0\/hlzfjje +68\.2 KiB +4 {2}█+$/m);
    expect(stdout).toMatch(/^ {2}CMAKE_PREFIX_PATH=<greeter>:<libgreet>:<gcc-runtime>$/m);
    expect(stdout).toMatch(/^ {2}✓ libgreet@1\.0\/vxd7hjt \(build, link\)$/m);
    expect(stdout).toMatch(/^ {2}- compiler-wrapper@1\.0\/jrtxylm \(build\) not in the cache$/m);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  it("measures layers on demand, and is one document with --json", async () => {
    const { stdout } = await spkoci("show", "--measure", "--json", CACHE, "/vxd7hjt");
    const shown = JSON.parse(stdout);
    expect(shown.package.name).toBe("libgreet");
    expect(shown.totals.plainSize).toBeGreaterThan(shown.totals.size);
    expect(shown.layers).toHaveLength(2);
    const text = await spkoci("show", "--measure", CACHE, "libgreet");
    expect(text.stdout).toMatch(/^LAYER +SIZE +UNPACKED +SHARED BY$/m);
    expect(text.stderr).toContain("reading 2 layers");
  });

  it("draws with ASCII where the locale is not UTF-8", async () => {
    const { stdout } = await runSpkoci(["show", CACHE, "greeter"], { cwd: folder.path, env: { LC_ALL: "C" } });
    expect(stdout).toMatch(/^gcc-runtime@.* {2}#+$/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
    expect(stdout).toMatch(/^[\x00-\x7f]*$/);
  });

  it("shows one package", async () => {
    const { stderr, exitCode } = await spkoci("show", CACHE, "greeter", "libgreet");
    expect(stderr).toMatch(/^spkoci: error: one package can be shown, not 2\nhint: /);
    expect(exitCode).toBe(2);
    const several = await spkoci("show", CACHE, "%gcc");
    expect(several.stderr).toMatch(
      /^spkoci: error: %gcc matches 5 packages\nhint: Choose one by its hash:\n {2}gcc-runtime@12\.2\.0\/hlzfjje /,
    );
    expect(several.exitCode).toBe(2);
  });
});

describe("tree", () => {
  it("shows what packages need to run, each with its own dependencies where it comes first", async () => {
    const { stdout, exitCode } = await spkoci("tree", "-l", CACHE, "greeter");
    expect(stdout.split("\n")).toEqual([
      "53zaetj greeter@2.1",
      "├─ hlzfjje gcc-runtime@12.2.0",
      "│  └─ zirfsst glibc@2.36 [external]",
      "├─ zirfsst glibc@2.36 [external]",
      "└─ vxd7hjt libgreet@1.0",
      "   ├─ hlzfjje gcc-runtime@12.2.0 (see above)",
      "   └─ zirfsst glibc@2.36 [external]",
      "",
      "3 packages in the cache, 1 external",
      "",
    ]);
    expect(exitCode).toBe(0);
  });

  it("follows every edge with --all-deps, and marks what the cache lacks", async () => {
    const { stdout } = await spkoci("tree", "--all-deps", CACHE, "libgreet");
    expect(stdout).toContain("├─ compiler-wrapper@1.0 [not in the cache] (build)\n");
    expect(stdout).toMatch(/\n2 packages in the cache, 1 not, 3 external\n$/);
  });

  it("is one document with --json, each package once", async () => {
    const { stdout } = await spkoci("tree", "--json", CACHE, "greeter", "greet-plugin");
    const { roots, packages } = JSON.parse(stdout);
    expect(roots).toHaveLength(2);
    expect(packages.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`).sort()).toEqual([
      "gcc-runtime present",
      "glibc external",
      "greet-plugin present",
      "greeter present",
      "libgreet present",
    ]);
  });
});

describe("list, show and tree with wrong input", () => {
  it.each([
    [["list", CACHE, "greeter@1:2^"], 2, /"greeter@1:2\^" is no spec: error at character 13/, /dependency/],
    [["list", CACHE, "--format", "{nmae}"], 2, /"\{nmae\}" is no format: error at character 2/, /name, version/],
    [["list", CACHE, "greter"], 4, /no package in .* matches greter/, /Did you mean greeter/],
    [["list", CACHE, "greeter@3:"], 4, /matches greeter@3:/, /There are:\n {2}greeter@2\.1\/53zaetj/],
    [["show", CACHE, "nothing-like-it"], 4, /matches nothing-like-it/, /spkoci list SOURCE/],
    [["tree", CACHE, "/zzzzzzz"], 4, /matches \/zzzzzzz/, /spkoci list SOURCE/],
    [["list", "oci:nowhere"], 4, /nowhere/, /./],
    [["list", "./nowhere"], 2, /is a path/, /oci:/],
    [["show", "oci:nowhere", "zlib"], 4, /nowhere/, /./],
    [["tree", "127.0.0.1:1/cache", "zlib"], 6, /127\.0\.0\.1:1/, /./],
  ] as const)("%j", async (words, exitCode, message, hint) => {
    const run = await spkoci(...words);
    expect(run.stdout).toBe("");
    const [first = "", ...rest] = run.stderr.split("\n").filter((line) => !/^retry/.test(line));
    expect(first).toMatch(/^spkoci: error: /);
    expect(first).toMatch(message);
    expect(rest.join("\n")).toMatch(/^hint: /);
    expect(rest.join("\n")).toMatch(hint);
    expect(run.exitCode).toBe(exitCode);
  });
});

describe.skipIf(!requireTool("docker-registry"))("list, show and tree of a registry", () => {
  let registry: DockerRegistry;

  beforeAll(async () => {
    registry = await startDockerRegistry();
  });

  afterAll(() => registry.close());

  it.each([
    ["an index", "indexed"],
    ["no index", "plain"],
  ])("are those of the folder, with %s", async (_what, name) => {
    const source = `oci+http://${registry.host}/${name}`;
    const repository = { registry: registry.host, repository: name };
    await copyCache(openRegistry(repository, { plainHttp: [registry.host] }), name === "indexed");
    const listed = await spkoci("list", "-l", source);
    expect(listed.stdout).toBe((await spkoci("list", "-l", CACHE)).stdout);
    const tree = await spkoci("tree", source, "greeter");
    expect(tree.stdout).toBe((await spkoci("tree", CACHE, "greeter")).stdout);
    const shown = JSON.parse((await spkoci("show", "--json", source, "greeter")).stdout);
    const image = `${registry.host}/${name}:greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh.spack`;
    expect(shown).toMatchObject({ image, layers: [{}, {}, { package: { name: "greeter" } }] });
    expect(shown.dependents?.length).toBe(name === "indexed" ? 1 : undefined);
  });
});

/** Copies the fixture's cache, with its index or without. */
async function copyCache(to: Store, withIndex: boolean): Promise<void> {
  const from = await openLayout(fixturePath("small/cache"));
  for await (const tag of from.tags()) {
    const document = tag === INDEX_TAG && !withIndex ? undefined : await from.read(tag);
    if (document === undefined) continue;
    const { config, layers } = parseManifest(document, tag);
    for (const blob of [config, ...layers]) await copyBlob(from, to, blob);
    await to.write(document, { tag });
  }
}
