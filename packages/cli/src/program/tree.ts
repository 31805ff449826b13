import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, TreeFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { addConnectionOptions, addPackageOptions } from "./options.js";
import type { Start } from "./start.js";

const TREE_EXAMPLES = `
Packages that the cache doesn't have are marked, and external ones, which no cache has. What a package depends on is shown
where the package comes first.

Examples:
  spkoci tree ghcr.io/org/cache python@3.11             what it links and runs with
  spkoci tree -l --all-deps oci:./cache hdf5 +mpi       what it was built with, too
  spkoci tree --json ghcr.io/org/cache hdf5 | jq -r '.packages[] | select(.state == "missing").name'
`;

/** `spkoci tree`. */
export function addTree(program: Command, start: Start): void {
  const command = program
    .command("tree")
    .summary("show what packages of a cache depend on")
    .description("Show packages of a cache with their dependencies as a tree.")
    .argument("<source>", "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH or oci:DIR")
    .argument("<spec...>", "packages as in Spack: name, name@1.2:, name+variant, /hash");
  addPackageOptions(command);
  command
    .option("--all-deps", "follow build and test dependencies too, and show of which kind each is")
    .option("--all-arch", "show what other machines can use, too");
  addConnectionOptions(command);
  command.addHelpText("after", TREE_EXAMPLES).action(async (source, specs) => {
    const flags: TreeFlags & GlobalFlags = givenOptions(command);
    await start(flags, async (world) => (await import("../commands/tree.js")).runTree(source, specs, flags, world));
  });
}
