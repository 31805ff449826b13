import { type Command, CommanderError } from "commander";
import type { GlobalFlags } from "./flags.js";
import { createProgram } from "./program.js";
import { readVersion } from "./version.js";
import { processWorld, type World } from "./world.js";

/** Exit code for wrong words on the command line, as in docs/errors.md. */
const USAGE = 2;

/** Runs the program in this process and ends it. */
export async function run(): Promise<void> {
  const world = processWorld();
  // Whoever read the output may have gone (`| head`); the work is done all the same.
  for (const stream of [world.stdout, world.stderr]) stream.on("error", ignoreClosedPipe);
  process.exitCode = await main(process.argv.slice(2), world);
}

/**
 * Does what the words of the command line say.
 * @returns the exit code; errors are printed, not thrown
 */
export async function main(words: readonly string[], world: World): Promise<number> {
  let flags = guessFlags(words);
  let exitCode = 0;
  const program = createProgram(
    readVersion(),
    async (given, task) => {
      flags = given;
      exitCode = await task(world);
    },
    { out: (text) => world.stdout.write(text), err: (text) => world.stderr.write(text) },
  );
  try {
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && isHelp(error)) return error.exitCode === 0 ? 0 : USAGE;
    if (!(error instanceof CommanderError)) return printError(error, flags, world);
    return printError(await asUsageError(error, words, program), flags, world);
  }
}

function isHelp(error: CommanderError): boolean {
  return ["commander.help", "commander.helpDisplayed", "commander.version"].includes(error.code);
}

async function asUsageError(error: CommanderError, words: readonly string[], program: Command): Promise<Error> {
  return (await import("./usage-error.js")).usageError(error, words, program);
}

async function printError(thrown: unknown, flags: GlobalFlags, world: World): Promise<number> {
  return (await import("./print-error.js")).printError(thrown, flags, world);
}

/** The options that decide how an error is shown, for words that can't be parsed. */
function guessFlags(words: readonly string[]): GlobalFlags {
  const end = words.indexOf("--");
  const options = end < 0 ? words : words.slice(0, end);
  const has = (option: string): boolean => options.includes(option);
  return { json: has("--json"), debug: has("--debug"), color: !has("--no-color") };
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
