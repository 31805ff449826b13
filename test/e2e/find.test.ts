import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, fixturePath, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun } from "./support/run-spkoci.js";

let folder: TemporaryFolder;
let root: string;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  root = join(folder.path, "data", "spkoci", "store");
});

afterEach(() => folder.remove());

function find(...words: string[]): Promise<SpkociRun> {
  const env = { XDG_DATA_HOME: join(folder.path, "data") };
  return runSpkoci(["find", ...words], { cwd: folder.path, env });
}

/** Writes a real database, with its packages below `path`. */
async function writeStore(path: string): Promise<void> {
  const database = await readFile(fixturePath("small/store-index.json"), "utf8");
  await mkdir(join(path, ".spack-db"), { recursive: true });
  await writeFile(join(path, ".spack-db", "index.json"), database.replaceAll("/opt/spack/opt/spack", path));
}

describe("find", () => {
  it("lists what is installed in the user's own store", async () => {
    await writeStore(root);
    const { stdout, stderr, exitCode } = await find();
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
      "5 installed packages",
      "",
    ]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  it("lists packages by name, version and hash, with --long their hashes too", async () => {
    await writeStore(join(folder.path, "other"));
    const { stdout, exitCode } = await find("--root", "other", "--long", "libgreet@1", "/53zaetj");
    expect(stdout).toContain("\n53zaetj greeter@2.1\n");
    expect(stdout).toMatch(/^[a-z0-9]{7} libgreet@1\.0\n\n2 installed packages\n$/m);
    expect(exitCode).toBe(0);
  });

  it("shows variants, whole hashes and dependencies, as Spack's options have it", async () => {
    await writeStore(root);
    const { stdout } = await find("-Lv", "libgreet", "~debug");
    expect(stdout).toContain("\nvxd7hjtucqhfb2xibbvbaje6fla7ikff libgreet@1.0~debug build_system=generic\n");
    const tree = await find("-d", "libgreet");
    expect(tree.stdout).toContain("\nlibgreet@1.0\n|-- gcc-runtime@12.2.0\n|   `-- glibc@2.36 [external]\n");
    const formatted = await find("--format", "{name} {prefix}", "greeter");
    expect(formatted.stdout).toBe(`greeter ${root}/linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh\n`);
  });

  it("is one document with --json, with the prefixes", async () => {
    await writeStore(root);
    const { stdout, stderr } = await find("--json", "greeter");
    expect(JSON.parse(stdout)).toMatchObject({
      root,
      packages: [
        {
          name: "greeter",
          version: "2.1",
          hash: "53zaetjpu7mwvi3vv3n2rag7yc3a4nuh",
          arch: { platform: "linux", os: "debian12", target: "x86_64_v3" },
          prefix: expect.stringContaining(join(root, "linux-x86_64_v3", "greeter-2.1-")),
          explicit: false,
          installationTime: expect.any(Number),
        },
      ],
    });
    expect(stderr).toBe("");
  });

  it("offers the nearest names for one that isn't installed", async () => {
    await writeStore(root);
    const { stdout, stderr, exitCode } = await find("greter");
    expect(stderr).toMatch(/^spkoci: error: no installed package matches greter\nhint: Did you mean greeter/);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 4 });
  });

  it("says what can be written for a spec that it can't look up", async () => {
    await writeStore(root);
    const { stdout, stderr, exitCode } = await find("greeter@1:2^");
    expect(stderr).toMatch(/^spkoci: error: "greeter@1:2\^" is no spec: error at character 13.*\nhint: .*dependency/);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  });

  it("says where it looked where there is no store", async () => {
    const { stdout, stderr, exitCode } = await find();
    expect(stderr.split("\n")).toEqual([
      `spkoci: error: nothing is installed in ${root}: it is no Spack store`,
      expect.stringMatching(/^hint: .*spkoci install.*--root DIR/),
      "",
    ]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 3 });
  });
});
