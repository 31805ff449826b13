import { asSpkociError } from "@spkoci/core";
import type { GlobalFlags } from "./flags.js";
import { formatJsonLine } from "./render/clean-text.js";
import { errorDocument, formatError } from "./render/error-text.js";
import { colorsFor, type World } from "./world.js";

/**
 * Prints what was thrown on standard error, with `--json` as a document on standard output.
 * @returns the exit code
 */
export function printError(thrown: unknown, flags: GlobalFlags, world: World): number {
  const error = asSpkociError(thrown);
  const detail = { verbose: flags.verbose ?? false, debug: flags.debug ?? false };
  if (flags.json) world.stdout.write(`${formatJsonLine(errorDocument(error))}\n`);
  if (!flags.json || detail.debug) {
    world.stderr.write(formatError(error, detail, colorsFor(world.stderr, world, flags)));
  }
  return error.exitCode;
}
