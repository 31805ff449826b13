import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, type FakeRegistry, startFakeRegistry, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun } from "./support/run-spkoci.js";

const PASSWORD = "s3cr3t-pass";

let folder: TemporaryFolder;
let registry: FakeRegistry;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  registry = await startFakeRegistry({ auth: { type: "basic", username: "me", password: PASSWORD } });
});

afterEach(async () => {
  await registry.close();
  await folder.remove();
});

function login(password: string, ...more: string[]): Promise<SpkociRun> {
  const words = ["login", "--username", "me", "--password-stdin", registry.host, ...more];
  return runSpkoci(words, { cwd: folder.path, input: `${password}\n` });
}

/** What docker's config.json in the home folder keeps for the registry; undefined if there is no such file. */
async function kept(): Promise<unknown> {
  const text = await readFile(join(folder.path, ".docker", "config.json"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text).auths?.[registry.host];
}

describe("login", () => {
  it("keeps a password that the registry takes, and logout forgets it", async () => {
    const { stdout, stderr, exitCode } = await login(PASSWORD);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/^127\.0\.0\.1:\d+ took the credentials; they are kept in .*config\.json\n$/);
    expect(await kept()).toEqual({ auth: Buffer.from(`me:${PASSWORD}`).toString("base64") });

    const logout = await runSpkoci(["logout", registry.host], { cwd: folder.path });
    expect(logout).toMatchObject({ stdout: expect.stringContaining("removed from"), stderr: "", exitCode: 0 });
    expect(await kept()).toBeUndefined();
  });

  it("keeps nothing that the registry refuses, and never prints the password", async () => {
    const { stdout, stderr, exitCode } = await login("wr0ng-pass", "--verbose", "--debug");
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/^spkoci: error: .*401/m);
    expect(stderr).toMatch(/^hint: /m);
    expect(stdout + stderr).not.toContain("wr0ng-pass");
    expect(await kept()).toBeUndefined();
  });

  it("is one document with --json", async () => {
    const { stdout, exitCode } = await login(PASSWORD, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ registry: registry.host, outcome: "accepted", saved: { kind: "file" } });
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain(PASSWORD);
  });
});

describe("logout", () => {
  it("is content if nothing was kept", async () => {
    const { stdout, exitCode } = await runSpkoci(["logout", registry.host], { cwd: folder.path });
    expect(stdout).toBe(`${registry.host}: nothing was kept\n`);
    expect(exitCode).toBe(0);
  });
});
