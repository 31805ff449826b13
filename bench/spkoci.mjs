import { dirname, join } from "node:path";
import { root } from "../scripts/workspace.mjs";
import { quote } from "./shell.mjs";

const PROGRAM = join(root, "packages/cli/bin/spkoci.js");
/** What the program starts node with. */
const START = { variable: "MALLOC_ARENA_MAX=02", option: "--max-semi-space-size=1" };
/** The program, which starts the `node` that comes first in PATH. */
const PROGRAM_HERE = `PATH=${quote(dirname(process.execPath))}:"$PATH" ${quote(PROGRAM)}`;
const THREAD_TIMES = join(root, "bench/thread-times.cjs");

/** The command of the shell that runs spkoci with these words, as the shell takes them; under the profiler with --profile. */
export function spkoci({ options }, words) {
  if (!options.profile) return `${PROGRAM_HERE} ${words}`;
  const profiling = [START.option, "-r", quote(THREAD_TIMES), "--cpu-prof", "--cpu-prof-dir=profile"];
  return [START.variable, quote(process.execPath), ...profiling, quote(PROGRAM), words].join(" ");
}

export function pushWords({ store, sysroot }, target, more = "") {
  const where = `--store ${quote(store)}${sysroot === "/" ? "" : ` --sysroot ${quote(sysroot)}`}`;
  return `push --quiet --all --run-env prefix ${where} ${more} ${quote(target)}`;
}

/**
 * A root longer than the recorded one leaves no room for the paths in some binaries; they are left as they are then, which is as much work.
 */
export function installWords({ store, packages }, source, to) {
  const allowed = to.length > store.length ? "--allow-unrelocatable" : "";
  const hashes = packages.map(({ hash }) => `/${hash}`).join(" ");
  return `install --quiet ${allowed} --root ${quote(to)} ${quote(source)} ${hashes}`;
}

/** Runs spkoci outside the measured time, in a new folder with caches of its own unless `places` names others; throws if it fails. Resolves to its output. */
export async function runSpkoci(session, words, places) {
  const folder = await session.newFolder();
  const env = {
    HOME: folder,
    SPKOCI_CACHE_DIR: join(folder, "cache"),
    XDG_CONFIG_HOME: join(folder, "config"),
    ...places,
  };
  const command = `${PROGRAM_HERE} ${words}`;
  const { code, stdout, stderr } = await session.run("bash", ["-c", command], { cwd: folder, env });
  if (code !== 0) throw new Error(`exit code ${code}: spkoci ${words.slice(0, 300)}\n${stderr.slice(-1000)}`);
  return { stdout, stderr };
}
