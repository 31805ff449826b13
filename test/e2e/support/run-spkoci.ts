import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../../packages/cli/bin/spkoci.js", import.meta.url));

export interface SpkociRun {
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined if a signal ended the process. */
  readonly exitCode: number | undefined;
}

export interface SpkociOptions {
  /** Folder that it runs in; the home and temporary folders are below it too. */
  readonly cwd: string;
  /** Variables beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; empty unless told. */
  readonly input?: string;
}

/** The built program as a process of its own. */
export interface RunningSpkoci {
  readonly process: ChildProcess;
  readonly ended: Promise<SpkociRun>;
}

/** Starts the built program, with none of this process's variables but PATH. */
export function startSpkoci(words: readonly string[], options: SpkociOptions): RunningSpkoci {
  const env = { PATH: process.env.PATH ?? "", HOME: options.cwd, ...options.env };
  const child = spawn(process.execPath, [PROGRAM, ...words], { cwd: options.cwd, env, stdio: "pipe" });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  child.stdin.on("error", () => {}).end(options.input ?? "");
  const ended = once(child, "close").then(([code]) => ({ ...output, exitCode: (code as number | null) ?? undefined }));
  return { process: child, ended };
}

/** Runs the built program to its end. */
export function runSpkoci(words: readonly string[], options: SpkociOptions): Promise<SpkociRun> {
  return startSpkoci(words, options).ended;
}
