import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createTemporaryFolder,
  type FakeAuth,
  type FakeRegistry,
  type FaultHook,
  type FixtureStore,
  fixturePath,
  startFakeRegistry,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun } from "./support/run-spkoci.js";

const USER = "ann";
const PASSWORD = 'pa55/w0rd+"quoted"';
const IDENTITY = "identity-refresh-token-of-ann";
/** What the storage behind the fake wants in its URLs. */
const SIGNATURE = "secret%2Bvalue";
const SMALL_CACHE = `oci:${fixturePath("small/cache")}`;

let folder: TemporaryFolder;
let store: FixtureStore;
let registry: FakeRegistry;
/** Authorization headers that the registry was sent, in all, and in the run that is under way. */
let seen: Set<string>;
let seenNow: Set<string>;
let output: string;
/** What the registry was sent beside credentials: headers of every request. */
let headersSent: Set<string>;

beforeAll(async () => {
  store = await unpackFixtureStore();
});
afterAll(() => store.remove());
beforeEach(async () => {
  folder = await createTemporaryFolder();
  seen = new Set();
  output = "";
  headersSent = new Set();
});
afterEach(async () => {
  await registry.close();
  await folder.remove();
});

const at = (name: string): string => join(folder.path, name);

/** A registry that shows, wherever it can, what it was sent. */
async function start(auth: FakeAuth): Promise<void> {
  registry = await startFakeRegistry({ auth, redirectBlobs: true, faults: echo });
}

/** Says secrets in errors, on and off, and in the headers of sound answers. */
const echo: FaultHook = ({ headers, server, count, path }) => {
  const { authorization, ...others } = headers;
  headersSent.add(JSON.stringify(others));
  if (authorization !== undefined) {
    seen.add(authorization);
    seenNow.add(authorization);
  }
  // What a process has not used it can't know: not the tokens of the runs before.
  const words = [...seenNow, ...[...seenNow].map(plainOf)];
  const said = words.join(" and ");
  const shown = { warning: `299 - "you sent ${said.replaceAll('"', '\\"')}"`, "x-echo": said };
  if (path.includes("always-fails"))
    return { status: 403, body: { errors: [{ code: "DENIED", message: said, detail: said }] }, headers: shown };
  if (path.includes("redirects-badly")) {
    return {
      status: 307,
      headers: {
        ...shown,
        location: `http://127.0.0.1:1/${encodeURIComponent(said)}?token=${encodeURIComponent(said)}`,
      },
    };
  }
  if (path.includes("says-plainly")) return { status: 500, headers: { ...shown, "content-type": said }, body: said };
  if (path.includes("odd-type") && path.includes("/manifests/"))
    return { status: 200, headers: { ...shown, "content-type": said }, body: said };
  if (server === "registry" && authorization !== undefined && count === 1) {
    return { status: 503, body: { errors: [{ code: "UNAVAILABLE", message: said }] }, headers: shown };
  }
  return server === "storage" ? undefined : { headers: shown };
};

function plainOf(authorization: string): string {
  const [scheme, value = ""] = authorization.split(" ");
  return scheme === "Basic" ? Buffer.from(value, "base64").toString() : value;
}

async function run(words: readonly string[], env: Record<string, string> = {}, input?: string): Promise<SpkociRun> {
  const all = { XDG_CACHE_HOME: at("cache"), TMPDIR: folder.path, ...env, PATH: `${at("bin")}:${process.env.PATH}` };
  seenNow = new Set();
  const result = await runSpkoci(words, { cwd: folder.path, env: all, ...(input === undefined ? {} : { input }) });
  output += result.stdout + result.stderr;
  return result;
}

const target = (name: string): string => `oci+http://${registry.host}/${name}`;
const pushWords = (name: string): string[] => {
  const from = ["--store", store.store, "--sysroot", store.path];
  return ["push", ...from, "--run-env", "prefix", target(name), "greeter"];
};

/** Every command that speaks to a registry, when things go well and when they don't. */
async function runAll(env: Record<string, string>, ...flagSets: readonly string[][]): Promise<void> {
  for (const flags of flagSets) {
    const name = `org/cache${flags[0]}`;
    const pushed = await run([...pushWords(name), ...flags], env);
    expect(pushed.exitCode, pushed.stderr).toBe(0);
    const into = ["--root", at(`root${flags[0]}`)];
    expect((await run(["install", target(name), "libgreet", ...into, ...flags], env)).exitCode).toBe(0);
    expect((await run(["check", target(name), ...flags], env)).exitCode).toBe(0);
    expect((await run(["copy", target(name), target(`${name}-copy`), "libgreet", ...flags], env)).exitCode).toBe(0);
    for (const bad of ["always-fails", "redirects-badly", "odd-type"]) {
      expect((await run([...pushWords(`${bad}/x`), ...flags], env)).exitCode).not.toBe(0);
      expect((await run(["install", target(`${bad}/x`), "libgreet", ...into, ...flags], env)).exitCode).not.toBe(0);
      await run(["check", target(`${bad}/x`), ...flags], env);
      await run(["copy", SMALL_CACHE, target(`${bad}/x`), "libgreet", ...flags], env);
    }
  }
  await run(["report", target(`org/cache${flagSets[0]?.[0]}`), "--output", at("report.html"), "--verbose"], env);
}

/** Text of all files below, names included, but for those that may hold secrets. */
async function textsBelow(path: string, but: readonly string[] = []): Promise<string> {
  let text = "";
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (but.includes(file)) continue;
    text += `${file}\n`;
    if (entry.isFile()) text += `${await readFile(file, "latin1")}\n`;
  }
  return text;
}

function expectNoSecrets(text: string, what: string): void {
  const tokens = [...seen].map((one) => one.replace(/^\w+ /, ""));
  const secrets = [PASSWORD, IDENTITY, SIGNATURE, ...tokens, "_state="];
  const forms = secrets.flatMap((one) => [one, encodeURIComponent(one), JSON.stringify(one).slice(1, -1)]);
  const found = forms.filter((one) => text.toLowerCase().includes(one.toLowerCase()));
  const around = found.map((one) => {
    const where = text.toLowerCase().indexOf(one.toLowerCase());
    return text.slice(Math.max(0, where - 300), where + 100);
  });
  expect(around, what).toEqual([]);
}

/** A credential helper, which notes the command lines of all processes while it runs, and the variables that it was given. */
async function installHelper(secret: { Username: string; Secret: string }): Promise<void> {
  await mkdir(at("bin"));
  await mkdir(at("docker"));
  const script = `#!/bin/sh
cat > /dev/null
env >> ${at("variables")}
for one in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $one >> ${at("command-lines")} 2> /dev/null; done
cat ${at("docker/kept")}
`;
  await writeFile(at("docker/kept"), JSON.stringify({ ServerURL: "x", ...secret }));
  await writeFile(at("bin/docker-credential-testkit"), script);
  await chmod(at("bin/docker-credential-testkit"), 0o755);
  await writeFile(at("docker/config.json"), JSON.stringify({ credsStore: "testkit" }));
}

describe("no secret is in output, files or command lines of a run against a registry that echoes all it is sent", () => {
  it("with a name and password from the environment", { timeout: 240_000 }, async () => {
    await start({ type: "basic", username: USER, password: PASSWORD });
    const env = { SPKOCI_USERNAME: USER, SPKOCI_PASSWORD: PASSWORD };
    await runAll(env, ["--verbose"], ["--json", "--verbose"]);
    expect(seen.size).toBe(1);
    expect(output).toContain("***");
    expectNoSecrets(output, "output");
    expectNoSecrets([...headersSent].join("\n"), "headers");
    expect([...headersSent].every((one) => /"user-agent":"spkoci\/[\d.]+[^"]*"/.test(one))).toBe(true);
    expectNoSecrets(await textsBelow(folder.path), "files");
  });

  it("with tokens, for a password from a credential helper", { timeout: 240_000 }, async () => {
    await start({ type: "bearer", username: USER, password: PASSWORD });
    await installHelper({ Username: USER, Secret: PASSWORD });
    // A password without a name is used for nothing, and a helper isn't given it.
    await runAll({ DOCKER_CONFIG: at("docker"), SPKOCI_PASSWORD: PASSWORD }, ["--debug", "--verbose"]);
    expect(seen.size).toBeGreaterThan(3);
    expectNoSecrets(output, "output");
    expect(await readFile(at("command-lines"), "utf8")).toContain("spkoci.js push");
    expect(await readFile(at("variables"), "utf8")).toContain("DOCKER_CONFIG=");
    expectNoSecrets(await textsBelow(folder.path, [at("docker/kept")]), "files");
  });

  it("with tokens, for an identity token", { timeout: 240_000 }, async () => {
    await start({ type: "bearer", username: USER, password: PASSWORD, identityToken: IDENTITY });
    await installHelper({ Username: "<token>", Secret: IDENTITY });
    const env = { DOCKER_CONFIG: at("docker") };
    expect((await run([...pushWords("org/cache"), "--verbose", "--debug"], env)).exitCode).toBe(0);
    expect((await run([...pushWords("always-fails/x"), "--json"], env)).exitCode).not.toBe(0);
    expectNoSecrets(output, "output");
    expectNoSecrets(await textsBelow(folder.path, [at("docker/kept")]), "files");
  });

  it("when logging in, well and badly", { timeout: 120_000 }, async () => {
    await start({ type: "basic", username: USER, password: PASSWORD });
    const words = ["login", "--username", USER, "--password-stdin", registry.host, "--verbose", "--debug"];
    expect((await run(words, { DOCKER_CONFIG: at("docker") }, `${PASSWORD}\n`)).exitCode).toBe(0);
    expect((await run(words, { DOCKER_CONFIG: at("docker") }, `${PASSWORD}wrong\n`)).exitCode).not.toBe(0);
    expect((await run([...words, "--json"], { DOCKER_CONFIG: at("docker") }, `${PASSWORD}wrong\n`)).exitCode).not.toBe(
      0,
    );
    expectNoSecrets(output, "output");
    expectNoSecrets(await textsBelow(folder.path, [at("docker/config.json")]), "files");
  });

  it("and no option of Node has it write reports that would hold the environment", async () => {
    registry = await startFakeRegistry();
    const program = await readFile(new URL("../../packages/cli/bin/spkoci.js", import.meta.url), "utf8");
    expect(program).not.toMatch(/report-(on|un)|heapsnapshot|abort-on/);
    const { stdout, stderr } = await run(["--version"], { NODE_OPTIONS: "" });
    expect(stdout + stderr).not.toBe("");
    expect((await readdir(folder.path)).filter((name) => name.startsWith("report."))).toEqual([]);
  });
});
