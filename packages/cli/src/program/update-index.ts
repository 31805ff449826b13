import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, UpdateIndexFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { addConnectionOptions } from "./options.js";
import type { Start } from "./start.js";

const UPDATE_INDEX_EXAMPLES = `
The index says which packages the cache has, so that Spack and spkoci need not read every image. A push names its packages
there itself; this is for what was pushed without it, what was deleted, and an index that is damaged.

Packages are read that the index doesn't name, or whose tags name another image than before. A run that was stopped is gone
on with by the next. Others may push at the same time.

Examples:
  spkoci update-index ghcr.io/org/cache
  spkoci update-index --dry-run oci:./cache             say what would change
  spkoci update-index --full -j 32 ghcr.io/org/cache    read every package again
`;

/** `spkoci update-index`. */
export function addUpdateIndex(program: Command, start: Start): void {
  const command = program
    .command("update-index")
    .summary("make the index of a cache right")
    .description("Make the index of a cache say what its tags lead to.")
    .argument("<source>", "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH or oci:DIR")
    .option("--full", "read every package, and write over an index that can't be read")
    .option("--dry-run", "say what would change, and write nothing")
    .option("-j, --jobs <count>", "packages that are read at once");
  addConnectionOptions(command);
  command.addHelpText("after", UPDATE_INDEX_EXAMPLES).action(async (source) => {
    const flags: UpdateIndexFlags & GlobalFlags = givenOptions(command);
    await start(flags, async (world) =>
      (await import("../commands/update-index.js")).runUpdateIndex(source, flags, world),
    );
  });
}
