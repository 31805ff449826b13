import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as tick } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endedPid, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it, vi } from "vitest";
import { withFileLock } from "./file-lock.js";
import { ownProcess } from "./process-owner.js";

const lockOf = (pid: number, host: string = ownProcess().host) =>
  JSON.stringify({ pid, host, hostname: "node.example", token: "0123456789abcdef" });

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

/** Takes the lock at the path that it is given, again and again. Runs the built library. */
const TAKER = `
import { withFileLock } from "./packages/core/dist/base/file-lock.js";
process.stdout.write("begins");
for (;;) await withFileLock(process.argv[1], async () => {});
`;

/** Runs many tasks under the lock; the most that were in it at the same time. */
async function mostAtOnce(path: string, tasks: number): Promise<number> {
  let inside = 0;
  let most = 0;
  const task = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await tick();
    inside -= 1;
  };
  await Promise.all(Array.from({ length: tasks }, () => withFileLock(path, task)));
  return most;
}

describe("withFileLock", () => {
  it("lets one in at a time and leaves no file", () =>
    withTemporaryFolder(async (folder) => {
      expect(await mostAtOnce(join(folder, "lock"), 20)).toBe(1);
      expect(await readdir(folder)).toEqual([]);
    }));

  it("lets one in at a time when many find the lock of a dead process", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "lock");
      await writeFile(path, lockOf(await endedPid()));
      expect(await mostAtOnce(path, 20)).toBe(1);
      expect(await readdir(folder)).toEqual([]);
    }));

  it("opens where a process died while it removed the lock of a dead process", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "lock");
      const left = lockOf(await endedPid());
      await writeFile(path, left);
      await writeFile(`${path}.0123456789abcdef.tmp`, left);
      expect(await mostAtOnce(path, 5)).toBe(1);
      expect(await readdir(folder)).toEqual([]);
    }));

  it("never leaves a lock that doesn't say whose it is, whenever its process is killed", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "lock");
      const child = spawn(process.execPath, ["--input-type=module", "-e", TAKER, path], { cwd: ROOT, stdio: "pipe" });
      await once(child.stdout, "data");
      const seen = new Set<string>();
      // However long the child has to wait for a processor.
      for (let sightings = 0; sightings < 100; ) {
        const content = await readFile(path, "utf8").catch(() => undefined);
        if (content === undefined) continue;
        sightings += 1;
        seen.add(
          content === "" ? "nobody's" : (JSON.parse(content) as { pid: number }).pid === child.pid ? "its" : content,
        );
      }
      child.kill("SIGKILL");
      await once(child, "exit");
      expect([...seen]).toEqual(["its"]);
      expect(await withFileLock(path, async () => "in")).toBe("in");
    }));

  it("waits by a clock that nobody sets", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "lock");
      await writeFile(path, lockOf(process.pid));
      const clock = vi.spyOn(Date, "now").mockImplementation(() => Math.random() * 2 ** 42);
      const waiting = withFileLock(path, async () => "in");
      await tick();
      await rm(path);
      expect(await waiting).toBe("in");
      clock.mockRestore();
    }));

  it("opens again after a task that failed", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "lock");
      await expect(withFileLock(path, () => Promise.reject(new Error("task failed")))).rejects.toThrow("task failed");
      expect(await withFileLock(path, async () => "in")).toBe("in");
    }));

  it.each([
    ["a process of another host", lockOf(1, "000000000000"), 'process 1 on "node.example"'],
    ["a living process", lockOf(process.pid), `process ${process.pid} on`],
    ["nobody knows whom", "", "another process"],
  ])("gives up and leaves the lock of %s", (_whose, content, words) =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "lock");
      await writeFile(path, content);
      const waiting = withFileLock(path, async () => "in", {}, { patienceMs: 20 });
      await expect(waiting).rejects.toMatchObject({
        code: "LOCKED",
        message: expect.stringContaining(words),
        hint: expect.stringContaining("remove the file"),
      });
      expect(await readFile(path, "utf8")).toBe(content);
    }),
  );

  it("stops waiting when it is aborted", () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, "lock");
      await writeFile(path, lockOf(process.pid));
      const stop = new AbortController();
      const waiting = withFileLock(path, async () => "in", { signal: stop.signal });
      stop.abort(new Error("enough"));
      await expect(waiting).rejects.toThrow("enough");
    }));
});
