import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What `statfs` says of memory that is used as a disk. */
const TMPFS = 0x0102_1994;

/**
 * What the benchmarks of one run share: a working folder, which is removed at the end and on Ctrl-C, with folders that nobody used before
 * (nothing on a disk is deleted between rounds: that slows what comes next on some), and the servers and programs that run.
 */
export async function openSession(options) {
  // Short, since what is installed below it must not be longer than the paths in the packages.
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), "sb-"));
  const isInMemory = (await statfs(folder)).type === TMPFS;
  const closers = new Set();
  let made = 0;
  const kept = new Set();
  let closed;
  let isStopped = false;
  const close = () => {
    closed ??= closeAll(closers).then(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    return closed;
  };
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ]) {
    process.once(signal, () => {
      isStopped = true;
      console.error(`\n${signal}: removing ${folder}`);
      close().finally(() => process.exit(code));
    });
  }
  return {
    options,
    folder,
    close,
    isStopped: () => isStopped,
    /** @param isKept whether it is of use in later rounds */
    async newFolder({ isKept = false } = {}) {
      made += 1;
      if (isKept) kept.add(made);
      const path = join(folder, String(made));
      await mkdir(path);
      return path;
    },
    /** How many folders were made. */
    folders: () => made,
    /** Removes those that were made after the first `count` and are of no more use, if they are in memory: what is touched first may have to come from a host. */
    async removeAfter(count) {
      if (!isInMemory) return;
      for (let number = count + 1; number <= made; number += 1) {
        if (!kept.has(number)) await rm(join(folder, String(number)), { recursive: true, force: true, maxRetries: 3 });
      }
    },
    /** `closing` is called when the session ends, unless what this returns was called before. */
    track(closing) {
      closers.add(closing);
      return () => closers.delete(closing);
    },
    /** Says what a benchmark will take, and throws if the disk has less. */
    async needDisk(bytes) {
      const { bavail, bsize } = await statfs(folder);
      const gigabytes = (number) => `${(number / 1e9).toFixed(1)} GB`;
      console.error(`needs up to ${gigabytes(bytes)} of disk in ${folder}; ${gigabytes(bavail * bsize)} are free`);
      if (bytes > bavail * bsize) throw new Error(`Not enough disk in ${folder}; --folder DIR works elsewhere`);
    },
    run(command, args, settings) {
      return runTracked(this, command, args, settings);
    },
  };
}

async function closeAll(closers) {
  await Promise.allSettled([...closers].reverse().map((closing) => closing()));
}

/** Runs a program in a process group of its own, which is killed if the session ends before it. Resolves to exit code and output. */
async function runTracked(session, command, args, { env, cwd = session.folder } = {}) {
  const stdio = ["ignore", "pipe", "pipe"];
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio, detached: true });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => {
      output[name] += text;
    });
  }
  const closed = once(child, "close");
  const forget = session.track(async () => {
    process.kill(-child.pid, "SIGKILL");
    await closed;
  });
  try {
    const [code] = await closed;
    return { code: code ?? 128, ...output };
  } finally {
    forget();
  }
}
