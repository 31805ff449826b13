import type { GlobalFlags } from "../flags.js";
import type { World } from "../world.js";

/** Runs what a command's words say, with the options that were given; `run` resolves to the exit code. */
export type Start = (flags: GlobalFlags, run: (world: World) => Promise<number>) => Promise<void>;
