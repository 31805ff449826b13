import { Argument, type Command } from "@commander-js/extra-typings";
import type { CacheAction, CacheFlags, GlobalFlags, UninstallFlags, VerifyFlags } from "./flags.js";
import { givenOptions } from "./given-options.js";

/** What the commands that look after a store and the local cache do once their words are parsed. */
export interface StoreActions {
  uninstall(specs: readonly string[], flags: UninstallFlags & GlobalFlags): Promise<void>;
  verify(specs: readonly string[], flags: VerifyFlags & GlobalFlags): Promise<void>;
  cache(action: CacheAction, flags: CacheFlags & GlobalFlags): Promise<void>;
}

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

const VERIFY_EXAMPLES = `
Compared with the manifest that was written on installation: which files there are, their permissions,
owners, sizes, times and contents, and where links point.

The exit code is 7 if anything is different.

Examples:
  spkoci verify                                         everything that is installed
  spkoci verify --root /opt/tools --json python         one package, as JSON
`;

const CACHE_EXAMPLES = `
\`spkoci install\` keeps the layers that it fetches. Without them, they are fetched again when they are needed;
installed packages don't need them.

Examples:
  spkoci cache info                                     where it is, and how large
  spkoci cache clean                                    remove all layers
`;

/** Adds the commands that look after what is installed and what is kept. */
export function addStoreCommands(program: Command, actions: StoreActions): void {
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
      await actions.uninstall(specs, givenOptions(command));
    });
  program
    .command("verify")
    .summary("compare installed packages with their manifests")
    .description("Find out what of installed packages is no longer as it was installed.")
    .argument("[spec...]", "packages as in Spack: name, name@1.2:, name+variant, /hash; all unless given")
    .option("--root <dir>", "root of the store")
    .addHelpText("after", VERIFY_EXAMPLES)
    .action(async (specs, _flags, command) => {
      await actions.verify(specs, givenOptions(command));
    });
  program
    .command("cache")
    .summary("show or empty the local cache")
    .description("Show what the local cache of layers holds, or empty it.")
    .addArgument(new Argument("<action>", "info or clean").choices(["info", "clean"]))
    .option("--cache-dir <dir>", "folder that keeps what was fetched")
    .addHelpText("after", CACHE_EXAMPLES)
    .action(async (action, _flags, command) => {
      await actions.cache(action, givenOptions(command));
    });
}
