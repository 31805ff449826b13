import type { GlobalFlags } from "../flags.js";
import { formatJsonLine } from "../render/clean-text.js";
import type { Colors } from "../render/colors.js";
import { colorsFor, type World } from "../world.js";

/** Prints the result of a command on standard output: a line of JSON with `--json`, nothing with `--quiet`. */
export function printResult(
  document: object,
  format: (colors: Colors) => string,
  flags: GlobalFlags,
  world: World,
): void {
  if (flags.json) world.stdout.write(`${formatJsonLine(document)}\n`);
  else if (!flags.quiet) world.stdout.write(format(colorsFor(world.stdout, world, flags)));
}
