import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, VerifyFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import type { Start } from "./start.js";

const VERIFY_EXAMPLES = `
Compared with the manifest that was written on installation: which files there are, their permissions,
owners, sizes, times and contents, and where links point.

The exit code is 7 if anything is different.

Examples:
  spkoci verify                                         everything that is installed
  spkoci verify --root /opt/tools --json python         one package, as JSON
`;

/** `spkoci verify`. */
export function addVerify(program: Command, start: Start): void {
  program
    .command("verify")
    .summary("compare installed packages with their manifests")
    .description("Find out what of installed packages is no longer as it was installed.")
    .argument("[spec...]", "packages as in Spack: name, name@1.2:, name+variant, /hash; all unless given")
    .option("--root <dir>", "root of the store")
    .addHelpText("after", VERIFY_EXAMPLES)
    .action(async (specs, _flags, command) => {
      const flags: VerifyFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) => (await import("../commands/verify.js")).runVerify(specs, flags, world));
    });
}
