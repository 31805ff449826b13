import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { SpkociError } from "../base/errors.js";
import { type Op, throwIfAborted } from "../base/op.js";

/** Variables by name, as in process.env. */
export type Environment = Readonly<Record<string, string | undefined>>;

const TIMEOUT_MS = 120_000;
const OUTPUT_LIMIT = 16 * 1024 * 1024;

/** Path of the `spack` that `env.PATH` or else `env.SPACK_ROOT` leads to; undefined if there is none. */
export async function findSpack(env: Environment): Promise<string | undefined> {
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  if (env.SPACK_ROOT) folders.push(join(env.SPACK_ROOT, "bin"));
  for (const folder of folders) {
    const path = resolve(folder, "spack");
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/**
 * Runs `command` with these arguments and exactly this environment, without a shell.
 * @returns what it wrote to stdout
 * @throws SpkociError SPACK_FAILED with the last line it wrote to stderr
 */
export function runSpack(command: string, args: readonly string[], env: Environment, op?: Op): Promise<string> {
  throwIfAborted(op);
  const options = {
    env: { ...env },
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
    maxBuffer: OUTPUT_LIMIT,
    encoding: "utf8",
    ...(op?.signal ? { signal: op.signal } : {}),
  } as const;
  return new Promise((fulfil, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) fulfil(stdout);
      else if (op?.signal?.aborted) reject(op.signal.reason);
      else reject(spackFailed(command, args, error, stderr));
    });
  });
}

function spackFailed(
  command: string,
  args: readonly string[],
  error: Error & { readonly killed?: boolean | undefined },
  stderr: string,
): SpkociError {
  const last = stderr.trim().split("\n").at(-1)?.trim().slice(0, 300) ?? "";
  const why = error.killed === true ? `it took longer than ${TIMEOUT_MS / 1000} s` : last || error.message;
  return new SpkociError("SPACK_FAILED", `${command} ${args[0] ?? ""} failed: ${why.replaceAll(/\s+/g, " ")}`, {
    cause: error,
    hint: "Run the command by hand to see more; --run-env prefix and --store DIR do without it.",
  });
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
