import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { keepingHelpers } from "./lock-helper.js";
import { findHolder, withStoreLock } from "./store-lock.js";

const env = { PATH: "/usr/bin:/bin" };

/** A process of python3 that holds the lock as Spack does, until `release`. */
async function holdAsSpack(path: string, kind: "EX" | "SH") {
  const script = `import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.lockf(fd, fcntl.LOCK_${kind}, 0, 0, os.SEEK_SET)
print("locked", flush=True)
sys.stdin.read()`;
  const child = spawn("python3", ["-c", script, path], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return {
    pid: child.pid,
    async release() {
      child.stdin.end();
      await once(child, "exit");
    },
  };
}

/** Whether Spack would get the lock now. */
async function isFreeForSpack(path: string, kind: "EX" | "SH"): Promise<boolean> {
  const script = `import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(fd, fcntl.LOCK_${kind} | fcntl.LOCK_NB, 0, 0, os.SEEK_SET)`;
  const [code] = await once(spawn("python3", ["-c", script, path], { stdio: "ignore" }), "exit");
  return code === 0;
}

const withStore = (task: (root: string, lock: string) => Promise<void>) =>
  withTemporaryFolder(async (root) => {
    await mkdir(join(root, ".spack-db"));
    await task(root, join(root, ".spack-db", "lock"));
  });

/** The process that holds the lock now. */
async function holderOf(lock: string): Promise<number | undefined> {
  const { dev, ino } = await stat(lock);
  return findHolder(await readFile("/proc/locks", "latin1"), dev, ino);
}

async function isRunning(pid: number | undefined): Promise<boolean> {
  return (await readdir("/proc")).includes(String(pid));
}

/** A PATH on which `program` is all there is. */
async function pathWith(root: string, program: string): Promise<string> {
  const folder = join(root, `only-${program}`);
  await mkdir(folder);
  await symlink(`/usr/bin/${program}`, join(folder, program));
  return folder;
}

describe.each(["python3", "perl"])("withStoreLock through %s", (program) => {
  it("keeps Spack out when exclusive, and only its writers when shared", () =>
    withStore(async (root, lock) => {
      const helperEnv = { PATH: await pathWith(root, program) };
      await withStoreLock(root, { mode: "exclusive", helperEnv }, async () => {
        expect(await isFreeForSpack(lock, "SH")).toBe(false);
      });
      expect(await isFreeForSpack(lock, "EX")).toBe(true);
      await withStoreLock(root, { mode: "shared", helperEnv }, async () => {
        expect(await isFreeForSpack(lock, "SH")).toBe(true);
        expect(await isFreeForSpack(lock, "EX")).toBe(false);
      });
    }));

  it("keeps the process that holds the lock for the next call, and lets Spack in between the two", () =>
    withStore(async (root, lock) => {
      const helperEnv = { PATH: await pathWith(root, program) };
      const pids: (number | undefined)[] = [];
      await keepingHelpers(async (keptHelpers) => {
        for (const at of [0, 1]) {
          await withStoreLock(root, { mode: "exclusive", helperEnv, keptHelpers }, async () => {
            pids[at] = await holderOf(lock);
            expect(await isFreeForSpack(lock, "SH")).toBe(false);
          });
          expect(await isFreeForSpack(lock, "EX")).toBe(true);
        }
      });
      expect(pids).toEqual([expect.any(Number), pids[0]]);
      expect(await isRunning(pids[0])).toBe(false);
    }));

  it("starts another process if the one that was kept is gone", () =>
    withStore(async (root, lock) => {
      const helperEnv = { PATH: await pathWith(root, program) };
      await keepingHelpers(async (keptHelpers) => {
        const options = { mode: "exclusive", helperEnv, keptHelpers } as const;
        const first = await withStoreLock(root, options, () => holderOf(lock));
        process.kill(first ?? 0, "SIGKILL");
        const second = await withStoreLock(root, options, () => holderOf(lock));
        expect(second).toEqual(expect.any(Number));
        expect(second).not.toBe(first);
      });
    }));

  it("waits for a Spack that holds the lock, says so, and goes on when it lets go", () =>
    withStore(async (root, lock) => {
      const helperEnv = { PATH: await pathWith(root, program) };
      const spack = await holdAsSpack(lock, "EX");
      const events: SpkociEvent[] = [];
      let released = false;
      const emit = (event: SpkociEvent): void => {
        events.push(event);
        spack.release();
        released = true;
      };
      const seen = await withStoreLock(root, { mode: "exclusive", helperEnv }, async () => released, { emit });
      expect(seen).toBe(true);
      expect(events).toEqual([
        { type: "step", step: "lock", message: `waiting for another process that works on the store ${root}` },
      ]);
    }));

  it("gives up with the holder's process id after its patience", () =>
    withStore(async (root, lock) => {
      const helperEnv = { PATH: await pathWith(root, program) };
      const spack = await holdAsSpack(lock, "SH");
      const waiting = withStoreLock(root, { mode: "exclusive", helperEnv, patienceMs: 400 }, async () => "in");
      await expect(waiting).rejects.toMatchObject({
        code: "LOCKED",
        message: expect.stringMatching(new RegExp(`held by (process ${spack.pid}|another process): .*/lock$`)),
      });
      await spack.release();
    }));

  it("says which store is none", () =>
    withTemporaryFolder(async (root) => {
      const helperEnv = { PATH: await pathWith(root, program) };
      const waiting = withStoreLock(join(root, "none"), { mode: "exclusive", helperEnv }, async () => "in");
      await expect(waiting).rejects.toMatchObject({ code: "STORE_NOT_FOUND" });
    }));
});

describe("withStoreLock", () => {
  it("stops waiting for a Spack when it is aborted, and leaves no helper in the line", () =>
    withStore(async (root, lock) => {
      const spack = await holdAsSpack(lock, "EX");
      const stop = new AbortController();
      const emit = (): void => stop.abort(new Error("enough"));
      const op = { signal: stop.signal, emit };
      await expect(withStoreLock(root, { mode: "exclusive", helperEnv: env }, async () => "in", op)).rejects.toThrow(
        "enough",
      );
      await spack.release();
      expect(await isFreeForSpack(lock, "EX")).toBe(true);
    }));

  it("lets the calls of one process go one after the other, also after one that failed", () =>
    withStore(async (root) => {
      const order: string[] = [];
      const task = (name: string, ms: number) => async () => {
        order.push(`${name} in`);
        await sleep(ms);
        order.push(`${name} out`);
        if (name === "b") throw new Error("b failed");
      };
      const options = { mode: "shared", helperEnv: env } as const;
      const all = await Promise.allSettled([
        withStoreLock(root, options, task("a", 20)),
        withStoreLock(root, options, task("b", 1)),
        withStoreLock(root, options, task("c", 1)),
      ]);
      expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(order).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
    }));

  it("stops waiting in line when it is aborted, and the line goes on", () =>
    withStore(async (root) => {
      const options = { mode: "exclusive", helperEnv: env } as const;
      const stop = new AbortController();
      const gate = new AbortController();
      const first = withStoreLock(root, options, async () => {
        if (!gate.signal.aborted) await once(gate.signal, "abort");
      });
      const second = withStoreLock(root, options, async () => "second", { signal: stop.signal });
      const third = withStoreLock(root, options, async () => "third");
      stop.abort(new Error("enough"));
      await expect(second).rejects.toThrow("enough");
      expect(await Promise.race([third, sleep(50, "still waiting")])).toBe("still waiting");
      gate.abort();
      await first;
      expect(await third).toBe("third");
    }));

  it("aborts the task's signal with LOCKED when the lock is lost", () =>
    withStore(async (root, lock) => {
      const task = async (signal: AbortSignal) => {
        const pid = await holderOf(lock);
        if (pid === undefined) throw new Error("the helper isn't in /proc/locks");
        const aborted = once(signal, "abort");
        process.kill(pid, "SIGKILL");
        await aborted;
        signal.throwIfAborted();
      };
      await expect(withStoreLock(root, { mode: "exclusive", helperEnv: env }, task)).rejects.toMatchObject({
        code: "LOCKED",
        message: expect.stringContaining("was lost"),
      });
    }));

  it("warns where nothing can hold the lock, and keeps other spkoci away by a lock file", () =>
    withStore(async (root) => {
      const events: SpkociEvent[] = [];
      const options = { mode: "exclusive", helperEnv: { PATH: "" } } as const;
      const task = async () => readdir(join(root, ".spack-db"));
      const files = await withStoreLock(root, options, task, { emit: (event) => events.push(event) });
      expect(files).toEqual(["spkoci.lock"]);
      expect(await readdir(join(root, ".spack-db"))).toEqual([]);
      expect(events).toMatchObject([{ type: "warning", message: expect.stringContaining("neither python3 nor perl") }]);
    }));
});

describe("findHolder", () => {
  const locks = `1: FLOCK  ADVISORY  WRITE 11 fd:01:42 0 EOF
2: POSIX  ADVISORY  WRITE 12 fd:01:42 0 EOF
2: -> POSIX  ADVISORY  WRITE 13 fd:01:42 0 EOF
3: POSIX  ADVISORY  READ 0 fd:01:43 0 EOF
`;
  const dev = (0xfd << 8) | 1;

  it("finds the process that holds, not one that waits or holds another kind", () => {
    expect(findHolder(locks, dev, 42)).toBe(12);
  });

  it("knows nobody for other files, and for holders outside this container", () => {
    expect(findHolder(locks, dev, 44)).toBeUndefined();
    expect(findHolder(locks, dev + 1, 42)).toBeUndefined();
    expect(findHolder(locks, dev, 43)).toBeUndefined();
  });
});
