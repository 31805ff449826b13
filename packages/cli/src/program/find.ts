import type { Command } from "@commander-js/extra-typings";
import type { FindFlags, GlobalFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { addPackageOptions } from "./options.js";
import type { Start } from "./start.js";

const FIND_EXAMPLES = `
A SPEC is what Spack takes: name, name@1.2:1.4, +variant, %gcc@12, "name ^dep", /hash; without any, everything is listed.

Examples:
  spkoci find                                           what \`spkoci install\` installed
  spkoci find -lv python@3                              with hashes and variants
  spkoci find --format '{name} {prefix}' %gcc@12        in Spack's format
  spkoci find --root /opt/spack/opt/spack --json zlib   in another store, as JSON with prefixes
`;

/** `spkoci find`. */
export function addFind(program: Command, start: Start): void {
  const command = program
    .command("find")
    .summary("list installed packages")
    .description("List the packages that are installed in a store.")
    .argument("[spec...]", "packages as in Spack: name, name@1.2:, name+variant, /hash")
    .option("--root <dir>", "root of the store");
  addPackageOptions(command);
  command
    .option("-d, --deps", "show what each package needs to run below it")
    .option("--format <format>", "print each package so, in Spack's format: '{name}-{version}-{hash:7}'")
    .addHelpText("after", FIND_EXAMPLES)
    .action(async (specs) => {
      const flags: FindFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) => (await import("../commands/find.js")).runFind(specs, flags, world));
    });
}
