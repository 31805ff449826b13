import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, InstallFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { collect, insecureOption, retriesOption } from "./options.js";
import type { Start } from "./start.js";

const INSTALL_EXAMPLES = `
Packages (SPEC) are named as in Spack: name, name@1.2:1.4, "name target=zen2:", /hash. Of several that match, the one
that fits this machine best is installed, with its link and run dependencies. What is there already stays.

Caches are asked in the order in which they are named: SOURCE first, then each --from.

Examples:
  spkoci install ghcr.io/org/cache python@3.11          into your own store, below ~/.local/share
  spkoci install --root /opt/tools oci:./cache zlib     from an OCI layout folder, into a store of its own
  spkoci install --dry-run ghcr.io/org/cache hdf5       show what would be fetched, and how much
  spkoci install --alias-dir /opt/l ghcr.io/org/cache python
                                                        into a store with a path longer than the packages' own
  spkoci install oci:/mnt/mirror --from ghcr.io/org/cache hdf5
                                                        from the registry only what the folder lacks
  spkoci install --view ~/tools ghcr.io/org/cache git   and one tree of links, with all programs in ~/tools/bin
`;

/** `spkoci install`. */
export function addInstall(program: Command, start: Start): void {
  program
    .command("install")
    .summary("install packages from a cache")
    .description("Install packages with their dependencies from a registry or an OCI layout folder, without Spack.")
    .argument("<source>", "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH or oci:DIR")
    .argument("<spec...>", "packages as in Spack: name, name@1.2:, name+variant, /hash")
    .optionsGroup("Where from and where to:")
    .option("--from <source>", "one more cache, for what those named before it lack (repeatable)", collect)
    .option("--root <dir>", "root of the store; made if it doesn't exist")
    .option("--view <dir>", "make one tree of links to the packages and what they need; replaces the view there")
    .optionsGroup("What is done:")
    .option("--no-deps", "only the packages themselves; their dependencies must be installed")
    .option("--force", "install the named packages again if they are there")
    .option("--dry-run", "print the plan and write nothing")
    .optionsGroup("Strings in binaries that have no room for the new root:")
    .option("--alias-dir <dir>", "write short links in this folder instead, which must stay; the store remembers it")
    .option("--allow-unrelocatable", "leave them as they are, and list them")
    .optionsGroup("Transfer:")
    .option("-j, --jobs <count>", "packages and transfers at once")
    .option("--cache-dir <dir>", "folder that keeps what was fetched")
    .option("--no-cache", "keep nothing that was fetched, and use nothing that was kept")
    .optionsGroup("Connection:")
    .option("--plain-http", "speak http to registries; loopback hosts may be plain in any case")
    .option("--ca-file <file>", "PEM certificates to trust beside the system's")
    .addOption(insecureOption())
    .addOption(retriesOption())
    .addHelpText("after", INSTALL_EXAMPLES)
    .action(async (source, specs, _flags, command) => {
      const flags: InstallFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) =>
        (await import("../commands/install.js")).runInstall(source, specs, flags, world),
      );
    });
}
