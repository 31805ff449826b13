import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";

/**
 * Makes the store ROOT and registers COUNT packages PREFIX-0, PREFIX-1, … in it, which all need one library, and says so after each.
 * Runs the built library.
 */
const WRITER = `
import { parseSpecFile } from "./packages/core/dist/spack/spec-file.js";
import { createStore, placeAndRegister, unregisterAndWithdraw } from "./packages/core/dist/spack/write-database.js";
const [root, prefix, count] = process.argv.slice(1);
const options = { helperEnv: process.env };
await createStore(root, options);
const arch = { platform: "linux", platform_os: "debian12", target: "x86_64" };
const hashOf = (name) => name.replaceAll("-", "x").padEnd(32, "a");
const lib = { name: "lib", version: "1", arch, hash: hashOf("lib") };
for (let at = 0; at < Number(count); at += 1) {
  const name = prefix + "-" + at;
  const edge = { name: "lib", hash: lib.hash, parameters: { deptypes: ["link"], virtuals: [] } };
  const top = { name, version: "1", arch, dependencies: [edge], hash: hashOf(name) };
  const spec = parseSpecFile(JSON.stringify({ spec: { _meta: { version: 5 }, nodes: [top, lib] } }), name);
  const install = { spec, prefix: root + "/" + name, explicit: true, installationTime: at };
  await placeAndRegister(root, () => [{ install, replace: true, place: async () => {} }], options);
  process.stdout.write(name + "\\n");
}
const gone = Array.from({ length: Number(count) }, (_, at) => hashOf("gone-" + at));
if (prefix === "gone") await unregisterAndWithdraw(root, async () => gone, async () => {}, options);
`;

/**
 * A Spack at work: takes the lock of the database again and again, looks whether the database stays as it is meanwhile and is valid,
 * and adds a record of its own. Ends with its stdin, and says how many it added.
 */
const SPACK = `
import fcntl, json, os, select, sys, time
folder = sys.argv[1]
index = os.path.join(folder, "index.json")
lock = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT)
rounds = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    fcntl.lockf(lock, fcntl.LOCK_EX, 0, 0, os.SEEK_SET)
    if os.path.exists(index):
        before = open(index).read()
        database = json.loads(before)
        time.sleep(0.02)
        assert open(index).read() == before, "the database changed under Spack's lock"
        key = "spack%d" % rounds
        database["database"]["installs"][key] = {"spec": {"name": "other", "version": "1", "hash": key}, "ref_count": 0, "installed": True}
        with open(index + ".temp", "w") as file:
            json.dump(database, file, separators=(",", ":"))
        os.rename(index + ".temp", index)
        rounds += 1
    fcntl.lockf(lock, fcntl.LOCK_UN, 0, 0, os.SEEK_SET)
    time.sleep(0.01)
print(rounds)
`;

function startWriter(root: string, prefix: string, count: number): ChildProcess {
  const args = ["--input-type=module", "-e", WRITER, root, prefix, String(count)];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  return spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
}

type Records = Record<string, { readonly spec: { readonly name: string }; readonly ref_count: number }>;

async function recordsOf(root: string): Promise<Records> {
  const text = await readFile(join(root, ".spack-db", "index.json"), "utf8");
  return JSON.parse(text).database.installs as Records;
}

const namesOf = (records: Records): string[] => Object.values(records).map(({ spec }) => spec.name);

/** Whether Spack gets the lock at once. */
async function isFree(root: string): Promise<boolean> {
  const script = `import fcntl, os, sys
fcntl.lockf(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)`;
  const child = spawn("python3", ["-c", script, join(root, ".spack-db", "lock")], { stdio: "ignore" });
  return (await once(child, "exit"))[0] === 0;
}

describe("processes that write to one store's database", () => {
  it("lose nothing of each other or of a Spack, from the making of the store on", () =>
    withTemporaryFolder(async (folder) => {
      const root = join(folder, "store");
      const prefixes = ["a", "b", "c", "d", "e", "gone"];
      const writers = prefixes.map((prefix) => startWriter(root, prefix, 4));
      const ended = writers.map((writer) => once(writer, "exit"));
      while (!(await readdir(root).catch((): string[] => [])).includes(".spack-db")) await sleep(10);
      const spack = spawn("python3", ["-c", SPACK, join(root, ".spack-db")], { stdio: ["pipe", "pipe", "inherit"] });
      let said = "";
      spack.stdout.on("data", (chunk: Buffer) => {
        said += chunk.toString();
      });
      const spackEnded = once(spack, "close");
      for (const [code] of await Promise.all(ended)) expect(code).toBe(0);
      spack.stdin.end();
      expect(await spackEnded).toEqual([0, null]);
      expect(Number(said)).toBeGreaterThan(0);

      const records = await recordsOf(root);
      const own = prefixes.slice(0, 5).flatMap((prefix) => Array.from({ length: 4 }, (_, at) => `${prefix}-${at}`));
      const ofSpack = Array.from({ length: Number(said) }, () => "other");
      expect(namesOf(records).sort()).toEqual([...own, ...ofSpack, "lib"].sort());
      expect(records[`lib${"a".repeat(29)}`]?.ref_count).toBe(own.length);
      expect((await readdir(join(root, ".spack-db"))).sort()).toEqual([
        "index.json",
        "index_verifier",
        "lock",
        "prefix_lock",
      ]);
    }));

  it("leave a true database and a free lock wherever they are killed", () =>
    withTemporaryFolder(async (root) => {
      const confirmed: string[] = [];
      for (const [at, delay] of [0, 3, 9, 17, 30, 55, 80, 120].entries()) {
        const prefix = `p${at}`;
        const writer = startWriter(root, prefix, 1000);
        const exited = once(writer, "close");
        let said = "";
        writer.stdout?.on("data", async (chunk: Buffer) => {
          said += chunk.toString();
          await sleep(delay);
          writer.kill("SIGKILL");
        });
        expect(await exited).toEqual([null, "SIGKILL"]);
        confirmed.push(...said.split("\n").slice(0, -1));
        await expect.poll(() => isFree(root), { timeout: 20_000 }).toBe(true);
        const records = await recordsOf(root);
        expect(namesOf(records)).toEqual(expect.arrayContaining(confirmed));
        expect(records[`lib${"a".repeat(29)}`]?.ref_count).toBe(Object.keys(records).length - 1);
      }
    }));
});
