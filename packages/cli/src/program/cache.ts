import { Argument, type Command } from "@commander-js/extra-typings";
import type { CacheFlags, GlobalFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import type { Start } from "./start.js";

const CACHE_EXAMPLES = `
\`spkoci install\` keeps the layers that it fetches. Without them, they are fetched again when they are needed;
installed packages don't need them. \`spkoci push\` keeps the digests of the layers that it makes; without them, it reads
packages again that didn't change.

Examples:
  spkoci cache info                                     where it is, and how large
  spkoci cache clean                                    remove all layers and digests
`;

/** `spkoci cache`. */
export function addCache(program: Command, start: Start): void {
  program
    .command("cache")
    .summary("show or empty the local cache")
    .description("Show what the local cache holds, or empty it.")
    .addArgument(new Argument("<action>", "info or clean").choices(["info", "clean"]))
    .option("--cache-dir <dir>", "folder that keeps layers and digests")
    .addHelpText("after", CACHE_EXAMPLES)
    .action(async (action, _flags, command) => {
      const flags: CacheFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) => (await import("../commands/cache.js")).runCache(action, flags, world));
    });
}
