import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createTemporaryFolder, fixturePath, type TemporaryFolder } from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun, startSpkoci } from "./support/run-spkoci.js";

const CACHE = `oci:${fixturePath("small/cache")}`;

let folder: TemporaryFolder;
/** Not longer than the root that the fixture's packages were built for; has greeter. */
let root: string;

beforeAll(async () => {
  folder = await createTemporaryFolder();
  root = await mkdtemp(join(tmpdir(), "s"));
  expect((await spkoci("install", "--root", root, "--quiet", CACHE, "greeter")).exitCode).toBe(0);
});

afterAll(async () => {
  await folder.remove();
  await rm(root, { recursive: true, force: true });
});

function spkoci(...words: string[]): Promise<SpkociRun> {
  return runSpkoci(words, { cwd: folder.path, env: { SPKOCI_PASSWORD: "secret", SPKOCI_CACHE_DIR: "cache" } });
}

describe("env", () => {
  it("is a script that puts the package's programs on the PATH of a shell", async () => {
    const { stdout, stderr, exitCode } = await spkoci("env", "--root", root, "greeter");
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    const shell = await promisify(execFile)("/bin/sh", ["-c", 'eval "$1"; greeter Ada; ls / >/dev/null', "sh", stdout]);
    expect(shell.stdout).toBe("Hello, Ada!\n");
  });

  it("has the variables that the recipes set, as the image said", async () => {
    const { stdout } = await spkoci("env", "--root", root, "greeter");
    const script = `eval "$1"; printf '%s|%s' "$GREETER_MOTTO" "$GREETER_HOME"`;
    const shell = await promisify(execFile)("/bin/sh", ["-c", script, "sh", stdout]);
    expect(shell.stdout).toMatch(/^hello, \$USER & 'friends'\|.*\/greeter-2\.1-[a-z0-9]+$/);
    expect(shell.stdout).toContain(`|${root}/`);
  });

  it("speaks the language of other shells", async () => {
    expect((await spkoci("env", "--root", root, "--csh", "greeter")).stdout).toMatch(/^setenv PATH '.*\/bin'"/m);
    expect((await spkoci("env", "--root", root, "--fish", "greeter")).stdout).toMatch(/^set -gx --path PATH '/m);
    const { stdout } = await runSpkoci(["env", "--root", root, "greeter"], {
      cwd: folder.path,
      env: { SHELL: "/usr/bin/fish" },
    });
    expect(stdout).toMatch(/^set -gx --path PATH '/m);
  });

  it("is one document with --json", async () => {
    const { stdout } = await spkoci("env", "--root", root, "--json", "greeter");
    expect(JSON.parse(stdout)).toEqual({
      root,
      variables: expect.arrayContaining([
        { name: "PATH", value: expect.stringMatching(/\/greeter-2\.1-[a-z0-9]+\/bin$/), keepsCurrent: true },
      ]),
    });
  });

  it("fails with the nearest names for what isn't installed", async () => {
    const { stdout, stderr, exitCode } = await spkoci("env", "--root", root, "greter");
    expect(stderr).toMatch(/^spkoci: error: no installed package matches greter\nhint: Did you mean greeter/);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 4 });
  });
});

describe("run", () => {
  it("runs a package's program with its words, as they are", async () => {
    expect(await spkoci("run", "--root", root, "greeter", "--", "greeter", "--root")).toEqual({
      stdout: "Hello, --root!\n",
      stderr: "",
      exitCode: 0,
    });
  });

  it("passes standard input, exit code and variables on, but not the registry's password", async () => {
    const script = 'read line; echo "$line $(printenv SPKOCI_PASSWORD || echo none) $HOME"; exit 7';
    const words = ["run", "--root", root, "greeter", "--", "sh", "-c", script];
    const env = { SPKOCI_PASSWORD: "secret" };
    expect(await runSpkoci(words, { cwd: folder.path, env, input: "in\n" })).toEqual({
      stdout: `in none ${folder.path}\n`,
      stderr: "",
      exitCode: 7,
    });
  });

  it("passes malloc's arenas on where the user has set them, not where spkoci has", async () => {
    const arenas = async (set: string): Promise<string> => {
      const words = ["run", "--root", root, "greeter", "--", "sh", "-c", "printenv MALLOC_ARENA_MAX || echo none"];
      return (await runSpkoci(words, { cwd: folder.path, env: { MALLOC_ARENA_MAX: set } })).stdout;
    };
    expect(await arenas("02")).toBe("none\n");
    expect(await arenas("2")).toBe("2\n");
  });

  it("passes signals on, and ends with the command", async () => {
    const script = "trap 'echo stopped; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    const running = startSpkoci(["run", "--root", root, "greeter", "--", "sh", "-c", script], { cwd: folder.path });
    await once(running.process.stdout as NodeJS.ReadableStream, "data");
    running.process.kill("SIGTERM");
    expect(await running.ended).toEqual({ stdout: "ready\nstopped\n", stderr: "", exitCode: 3 });
  });

  it("has the exit code of a shell for a command that a signal ended", async () => {
    const { exitCode } = await spkoci("run", "--root", root, "greeter", "--", "sh", "-c", "kill -KILL $$");
    expect(exitCode).toBe(137);
  });

  it("ends with 127 where there is no such command", async () => {
    const { stdout, stderr, exitCode } = await spkoci("run", "--root", root, "greeter", "--", "no-such-program");
    expect(stderr).toMatch(/^spkoci: error: can't start "no-such-program"\nhint: /);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 127 });
  });

  it("asks for a command", async () => {
    const { stderr, exitCode } = await spkoci("run", "--root", root, "greeter", "greeter");
    expect(stderr).toMatch(/^spkoci: error: run lacks a command\nhint: .* -- /);
    expect(exitCode).toBe(2);
  });

  it("installs what is missing from --from, and asks no cache for what is there", async () => {
    const other = await mkdtemp(join(tmpdir(), "s"));
    try {
      const words = ["run", "--root", other, "greeter", "--", "greeter", "Ada"];
      expect((await spkoci(...words)).exitCode).toBe(3);
      const first = await spkoci("run", "--from", CACHE, ...words.slice(1));
      expect({ stdout: first.stdout, exitCode: first.exitCode }).toEqual({ stdout: "Hello, Ada!\n", exitCode: 0 });
      expect(first.stderr).toContain("installed greeter@");
      const second = await spkoci("run", "--from", "oci:nowhere", ...words.slice(1));
      expect(second).toEqual({ stdout: "Hello, Ada!\n", stderr: "", exitCode: 0 });
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });

  it("runs nothing if a package can't be installed", async () => {
    const marker = join(folder.path, "marker");
    await writeFile(marker, "");
    const other = join(folder.path, "a-root-that-is-longer".padEnd(90, "r"));
    const { exitCode } = await spkoci("run", "--root", other, "--from", CACHE, "greeter", "--", "rm", marker);
    expect(exitCode).toBe(10);
    expect(await readFile(marker, "utf8")).toBe("");
  });
});

describe("install --view", () => {
  it("makes a tree whose programs run from the PATH alone, and makes it anew", async () => {
    const words = ["install", "--root", root, "--view", "view", CACHE, "greeter"];
    const { stdout, stderr, exitCode } = await spkoci(...words);
    expect({ stderr: stderr.includes("warning"), exitCode }).toEqual({ stderr: false, exitCode: 0 });
    expect(stdout).toMatch(new RegExp(`^[0-9]+ links in ${folder.path}/view$`, "m"));
    const env = { PATH: join(folder.path, "view", "bin") };
    expect((await promisify(execFile)("greeter", ["Ada"], { env })).stdout).toBe("Hello, Ada!\n");
    const again = await spkoci(...words, "--json");
    expect(JSON.parse(again.stdout).view).toEqual({
      dir: join(folder.path, "view"),
      links: expect.any(Number),
      conflicts: [],
    });
  });

  it("leaves a folder alone that is no view", async () => {
    await mkdir(join(folder.path, "full"));
    await writeFile(join(folder.path, "full", "mine"), "");
    const { stderr, exitCode } = await spkoci("install", "--root", root, "--view", "full", CACHE, "greeter");
    expect(stderr).toMatch(/^spkoci: error: .*\/full can't become a view.*\nhint: /m);
    expect(exitCode).toBe(2);
  });
});
