import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, UninstallFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import type { Start } from "./start.js";

const UNINSTALL_EXAMPLES = `
Each SPEC, written as in Spack, must match one package: name, name@1.2, /hash. A package that others need stays
unless these are named too, or --dependents is given.

Links in the store's alias folder stay; they are used again when the package comes back.

Examples:
  spkoci uninstall zlib@1.2                             from your own store
  spkoci uninstall --dry-run --dependents openssl       show what would be removed
  spkoci uninstall --root /opt/tools --dependents openssl
                                                        openssl, and everything that needs it
`;

/** `spkoci uninstall`. */
export function addUninstall(program: Command, start: Start): void {
  program
    .command("uninstall")
    .summary("remove installed packages")
    .description("Remove packages from a store.")
    .argument("<spec...>", "packages as in Spack: name, name@1.2:, name+variant, /hash")
    .option("--root <dir>", "root of the store")
    .option("--dependents", "remove the packages too that need them")
    .option("--dry-run", "print what would be removed, and remove nothing")
    .addHelpText("after", UNINSTALL_EXAMPLES)
    .action(async (specs, _flags, command) => {
      const flags: UninstallFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) => (await import("../commands/uninstall.js")).runUninstall(specs, flags, world));
    });
}
