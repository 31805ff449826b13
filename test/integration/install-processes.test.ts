import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readInstallStore } from "@spkoci/core";
import { fixturePath, InstallFolders } from "@spkoci/testkit";
import { beforeEach, describe, expect, it } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../packages/core/examples/install.mjs", import.meta.url));
const PACKAGES = ["greeter", "greet-plugin", "greet-build-tool"];
const GREETER = "linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";

const folder = new InstallFolders();
let root: string;

beforeEach(() => {
  root = join(folder.path, "store");
});

function startInstall(): ChildProcess {
  const env = { ...process.env, ALIAS_DIR: folder.aliases, TMPDIR: folder.path };
  return spawn(process.execPath, [PROGRAM, `oci:${fixturePath("small/cache")}`, root, ...PACKAGES], {
    env,
    stdio: "pipe",
  });
}

async function endOf(child: ChildProcess): Promise<number | null> {
  child.stdout?.resume();
  child.stderr?.pipe(process.stderr);
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

/** Files in a prefix, as many as the real package has when it is whole. */
async function countFiles(prefix: string): Promise<number> {
  return (await readdir(prefix, { recursive: true })).length;
}

/** Every package that the database calls installed is there whole; `whole` has the number of files by name. */
async function expectTrueDatabase(whole: ReadonlyMap<string, number>): Promise<number> {
  if ((await stat(join(root, ".spack-db/index.json")).catch(() => undefined)) === undefined) return 0;
  const { records } = await readInstallStore({ root });
  const installed = [...records.values()].filter((record) => record.installed && !record.external);
  for (const { spec, prefix } of installed)
    expect([spec.name, await countFiles(prefix)]).toEqual([spec.name, whole.get(spec.name)]);
  return installed.length;
}

async function countWhole(): Promise<Map<string, number>> {
  const { records } = await readInstallStore({ root });
  const whole = new Map<string, number>();
  for (const record of records.values()) {
    if (record.installed && !record.external) whole.set(record.spec.name, await countFiles(record.prefix));
  }
  return whole;
}

describe("installs as processes", () => {
  it("killed at many moments leave a true database and whole packages, and the next run completes", async () => {
    const started = Date.now();
    expect(await endOf(startInstall())).toBe(0);
    const duration = Date.now() - started;
    const whole = await countWhole();
    expect([...whole.keys()].sort()).toEqual([
      "gcc-runtime",
      "greet-build-tool",
      "greet-plugin",
      "greeter",
      "libgreet",
    ]);
    const seen = new Set<number>();
    for (let round = 0; round < 12; round += 1) {
      await rm(root, { recursive: true, force: true });
      const child = startInstall();
      const ended = endOf(child);
      await sleep(duration * (0.1 + round * 0.13));
      child.kill("SIGKILL");
      await ended;
      seen.add(await expectTrueDatabase(whole));
    }
    expect(seen.size, "kills at different moments").toBeGreaterThan(1);
    expect(await endOf(startInstall())).toBe(0);
    expect(await expectTrueDatabase(whole)).toBe(5);
    expect(await readdir(join(root, ".spkoci", "spool"))).toEqual([]);
    const greeting = execFileSync(join(root, GREETER, "bin/greeter"), ["Ada"], { encoding: "utf8" });
    expect(greeting).toBe("Hello, Ada!\n");
  });

  it("four at the same time into one root disturb each other in nothing", async () => {
    expect(await Promise.all([1, 2, 3, 4].map(() => endOf(startInstall())))).toEqual([0, 0, 0, 0]);
    expect((await countWhole()).size).toBe(5);
    const { records } = await readInstallStore({ root });
    const explicit = [...records.values()].filter((record) => record.explicit).map((record) => record.spec.name);
    expect(explicit.sort()).toEqual([...PACKAGES].sort());
  });
});
