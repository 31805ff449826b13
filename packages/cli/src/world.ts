import { homedir } from "node:os";
import type { Environment } from "./config/xdg-folder.js";
import type { GlobalFlags } from "./flags.js";
import { type Colors, createColors } from "./render/colors.js";
import { barReporter, jsonReporter, lineReporter, type Reporter, silentReporter } from "./render/reporter.js";
import { isUnicodeLocale, type Screen } from "./render/screen.js";

/** What the program has to do with outside of its arguments. */
export interface World {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Environment;
  readonly cwd: string;
  readonly home: string;
}

export function processWorld(): World {
  const { stdin, stdout, stderr, env } = process;
  return { stdin, stdout, stderr, env, cwd: process.cwd(), home: homedir() };
}

/** The variables for programs that are started, which have no use for the registry's password. */
export function programEnvironment({ env }: World): Environment {
  const { SPKOCI_PASSWORD: _password, ...others } = env;
  return others;
}

/** Colours for one of the two streams. */
export function colorsFor(stream: NodeJS.WriteStream, world: World, flags: GlobalFlags): Colors {
  return createColors({ flag: flags.color ?? true, env: world.env, isTerminal: stream.isTTY === true });
}

/** What results are laid out for on standard output. */
export function screenFor({ stdout, env }: World, colors: Colors): Screen {
  return { colors, width: stdout.isTTY ? (stdout.columns ?? 80) : undefined, unicode: isUnicodeLocale(env) };
}

/** What shows the events of a long run: bars on a terminal, lines elsewhere, JSON or nothing on demand. */
export async function createReporter(world: World, flags: GlobalFlags): Promise<Reporter> {
  const { stderr, env } = world;
  const isInteractive = stderr.isTTY === true && (env.CI ?? "") === "" && env.TERM !== "dumb";
  if (!isInteractive || flags.quiet || flags.json) return createLineReporter(world, flags);
  return barReporter(stderr, colorsFor(stderr, world, flags), flags.verbose ?? false);
}

/** What shows the events of a run that is over at once: lines, JSON or nothing on demand. */
export function createLineReporter(world: World, flags: GlobalFlags): Reporter {
  const { stderr } = world;
  const verbose = flags.verbose ?? false;
  if (flags.quiet) return silentReporter();
  return flags.json ? jsonReporter(stderr, verbose) : lineReporter(stderr, colorsFor(stderr, world, flags), verbose);
}
