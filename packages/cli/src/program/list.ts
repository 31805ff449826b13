import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, ListFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { addConnectionOptions, addPackageOptions } from "./options.js";
import type { Start } from "./start.js";

const LIST_EXAMPLES = `
Only packages that this machine can use are listed, and one that is asked for by its hash. A QUERY is a spec as Spack
takes it: name, name@1.2:1.4, +variant, %gcc@12, target=x86_64_v3:, "name ^dep", /hash. Several may match different packages.

Examples:
  spkoci list ghcr.io/org/cache                         all packages, by architecture and compiler
  spkoci list -lv oci:./cache hdf5 +mpi ^openmpi@4:     with hashes and variants
  spkoci list -d ghcr.io/org/cache /abcdefg             with what it needs to run
  spkoci list --all-arch --format '{name} {version} {architecture.target} {/hash:7}' ghcr.io/org/cache
  spkoci list --json ghcr.io/org/cache python@3: | jq -r '.packages[].image'
`;

/** `spkoci list`. */
export function addList(program: Command, start: Start): void {
  const command = program
    .command("list")
    .summary("list the packages of a cache")
    .description("List the packages of a cache in a registry or an OCI layout folder.")
    .argument("<source>", "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH or oci:DIR")
    .argument("[query...]", "packages as in Spack: name, name@1.2:, name+variant, /hash; all unless given");
  addPackageOptions(command);
  command
    .option("-d, --deps", "show what each package needs to run below it")
    .option("--format <format>", "print each package so, in Spack's format: '{name}-{version}-{hash:7}'")
    .option("--all-arch", "list what other machines can use, too");
  addConnectionOptions(command);
  command.addHelpText("after", LIST_EXAMPLES).action(async (source, queries) => {
    const flags: ListFlags & GlobalFlags = givenOptions(command);
    await start(flags, async (world) => (await import("../commands/list.js")).runList(source, queries, flags, world));
  });
}
