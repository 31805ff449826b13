import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { SpkociError } from "@spkoci/core";
import type { Environment } from "./config/xdg-folder.js";

/** Signals that are passed on. */
const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"];

/** Signals of the keyboard, which a terminal sends to all programs in the foreground. */
const KEYBOARD: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

/**
 * Runs a program to its end with this process's standard streams, and passes signals on to it.
 * @param onTerminal whether a terminal sends the program the signals of its keyboard
 * @returns its exit code; 128 and the signal's number if a signal ended it
 * @throws SpkociError COMMAND_NOT_FOUND if it can't be started
 */
export async function runProgram(words: readonly string[], env: Environment, onTerminal: boolean): Promise<number> {
  const [program = "", ...args] = words;
  const child = start(program, args, env);
  const listeners = SIGNALS.map((signal) => {
    const isSent = onTerminal && KEYBOARD.includes(signal);
    return { signal, listener: () => (isSent ? undefined : child.kill(signal)) };
  });
  for (const { signal, listener } of listeners) process.on(signal, listener);
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    throw notStarted(program, error);
  } finally {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  }
}

/** Node throws some reasons for which there is no process, and has the child tell others. */
function start(program: string, args: readonly string[], env: Environment): ChildProcess {
  try {
    return spawn(program, args, { env, stdio: "inherit" });
  } catch (error) {
    throw notStarted(program, error);
  }
}

function notStarted(program: string, cause: unknown): SpkociError {
  return new SpkociError("COMMAND_NOT_FOUND", `can't start ${JSON.stringify(program.slice(0, 200))}`, {
    hint: "Check the name, and that the package that has it is among those named before --.",
    cause,
  });
}
