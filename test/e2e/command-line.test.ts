import { readdir, readFile } from "node:fs/promises";
import { createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun, startSpkoci } from "./support/run-spkoci.js";

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(() => folder.remove());

function run(...words: string[]): Promise<SpkociRun> {
  return runSpkoci(words, { cwd: folder.path });
}

describe("help and version", () => {
  it("prints the version of the package", async () => {
    const manifest = new URL("../../packages/cli/package.json", import.meta.url);
    const { version } = JSON.parse(await readFile(manifest, "utf8")) as { version: string };
    expect(await run("--version")).toEqual({ stdout: `${version}\n`, stderr: "", exitCode: 0 });
  });

  it.each([["help"], ["--help"]])("lists the commands for %s", async (word) => {
    const { stdout, stderr, exitCode } = await run(word);
    expect(stdout).toMatch(/push[\s\S]*install[\s\S]*find[\s\S]*login[\s\S]*logout/);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  it("explains a command, with options in groups and examples", async () => {
    const { stdout, exitCode } = await run("help", "push");
    expect(stdout).toContain("Which packages:");
    expect(stdout).toContain("Examples:");
    expect(exitCode).toBe(0);
  });

  it("prints help on standard error and fails without a command", async () => {
    const { stdout, stderr, exitCode } = await run();
    expect(stdout).toBe("");
    expect(stderr).toContain("Usage: spkoci");
    expect(exitCode).toBe(2);
  });

  it("leaves nothing behind", async () => {
    await run("help");
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("bears that nobody reads its output to the end", async () => {
    const { process: child, ended } = startSpkoci(["help", "push"], { cwd: folder.path });
    child.stdout?.destroy();
    const { stderr, exitCode } = await ended;
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });
});

describe("wrong words", () => {
  it.each([
    [["pusj"], "unknown command 'pusj'", "Did you mean push?"],
    [["push", "--plainhttp", "oci:out", "zlib"], "unknown option '--plainhttp'", "Did you mean --plain-http?"],
    [["push"], "missing required argument 'target'", "`spkoci help push` says how it is used."],
    [["install", "oci:in"], "missing required argument 'spec'", "`spkoci help install` says how it is used."],
    [["install", "oci:in", "zlib", "--root", ""], "--root: must not be empty", "docs/configuration.md"],
    [["push", "oci:out"], "no package is named", "Write spkoci push TARGET SPEC..."],
    [["push", "oci:out", "zlib", "--only", "roots"], "--only: must be package or dependencies", "Leave it out"],
    [["push", "oci:out", "zlib", "--jobs", "many"], "--jobs: must be a whole number", "docs/configuration.md"],
    [
      ["push", "oci:out", "zlib", "--set-env", "PATH"],
      '--set-env: "PATH" is not KEY=VALUE',
      "Write --set-env KEY=VALUE",
    ],
    [["push", "oci:out", "zlib", "--platform", "linux"], 'not a platform: "linux"', "linux/amd64"],
    [["push", "ghcr.io", "zlib"], 'bad reference "ghcr.io": it has no path', "ghcr.io/org/cache"],
    [["push", "./out", "zlib"], '"./out" is a path, not a registry', "Write oci:./out"],
    [["push", "oci:out", "zlib", "--ca-file", "none.pem"], "none.pem can't be read: ENOENT", "PEM format"],
    [["push", "oci:out", "zlib", "--config", "none.yaml"], "there is no configuration file", "--config"],
    [["login", "https://ghcr.io"], "is not the host of a registry", "Write the host alone"],
    [["login", "ghcr.io"], "there is no terminal to ask", "--password-stdin"],
    [["login", "--password-stdin", "ghcr.io"], "--password-stdin needs --username", "--username NAME"],
    [["login", "--password-stdin", "--username", "me", "ghcr.io"], "the password is empty", "standard input"],
  ])("%j get one clear line and a hint", async (words, message, hint) => {
    const { stdout, stderr, exitCode } = await run(...words);
    const [first, second, ...rest] = stderr.split("\n");
    expect(first).toMatch(/^spkoci: error: /);
    expect(first).toContain(message);
    expect(second).toMatch(/^hint: /);
    expect(second).toContain(hint);
    expect({ rest, stdout, exitCode }).toEqual({ rest: [""], stdout: "", exitCode: 2 });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("are one JSON document on standard output with --json", async () => {
    const { stdout, stderr, exitCode } = await run("push", "--json", "--alll", "oci:out");
    expect(JSON.parse(stdout)).toEqual({
      error: { code: "INVALID_ARGUMENT", message: "unknown option '--alll'", hint: "Did you mean --all?" },
    });
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 2 });
  });

  it("get colours only if they are asked for", async () => {
    const forced = await runSpkoci(["pusj"], { cwd: folder.path, env: { FORCE_COLOR: "1" } });
    expect(forced.stderr).toContain("\u001b[31merror:");
    const both = await runSpkoci(["pusj", "--no-color"], { cwd: folder.path, env: { FORCE_COLOR: "1" } });
    expect(both.stderr).not.toContain("\u001b");
  });
});
