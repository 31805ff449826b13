import type { GlobalFlags } from "../flags.js";
import { formatJsonLine } from "../render/clean-text.js";
import type { Colors } from "../render/colors.js";
import { colorsFor, type World } from "../world.js";

/**
 * Prints the result of a command on standard output: a line of JSON with `--json`, nothing with `--quiet`.
 * @param document the result, or what makes it if it is wanted
 */
export function printResult(
  document: object | (() => object),
  format: (colors: Colors) => string,
  flags: GlobalFlags,
  world: World,
): void {
  if (flags.json) {
    const value: object = typeof document === "function" ? (document as () => object)() : document;
    world.stdout.write(`${formatJsonLine(value)}\n`);
  }
  if (!flags.json && !flags.quiet) world.stdout.write(format(colorsFor(world.stdout, world, flags)));
}
