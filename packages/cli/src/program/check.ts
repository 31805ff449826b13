import { type Command, Option } from "@commander-js/extra-typings";
import type { CheckFlags, GlobalFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { addConnectionOptions } from "./options.js";
import type { Start } from "./start.js";

const CHECK_EXAMPLES = `
Levels, each with those before it:
  index       the index and the tags agree; records hold the specs that they are filed under
  manifests   manifests, configs and specs can be read and fit; DAG hashes are right; dependencies are in the cache
  blobs       every layer is there with the right size (unless told)
  contents    every layer is read: digest, tar, prefix, build info

With specs, only the packages that match are checked, and nothing else. docs/check.md explains every finding.
The exit code is 7 if anything is wrong that was not mended.

Examples:
  spkoci check ghcr.io/org/cache                        what can be told without reading layers
  spkoci check --level contents oci:/mnt/disk/cache     everything, byte by byte
  spkoci check --level contents ghcr.io/org/cache python@3
                                                        one package
  spkoci check --repair ghcr.io/org/cache               mend the index where it is wrong
`;

/** `spkoci check`. */
export function addCheck(program: Command, start: Start): void {
  const levels = ["index", "manifests", "blobs", "contents"] as const;
  const command = program
    .command("check")
    .summary("recompute what a cache claims")
    .description("Find out what of a cache is missing, damaged, or not as it should be.")
    .argument("<source>", "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH, oci:DIR or oci-archive:FILE")
    .argument("[spec...]", "packages as in Spack: name, name@1.2:, name+variant, /hash; all unless given")
    .addOption(new Option("--level <level>", "how deep to look").choices(levels))
    .option("--repair", "mend the index; needs the level manifests at least")
    .option("-j, --jobs <count>", "images and blobs that are read at once");
  addConnectionOptions(command);
  command.addHelpText("after", CHECK_EXAMPLES).action(async (source, specs) => {
    const flags: CheckFlags & GlobalFlags = givenOptions(command);
    await start(flags, async (world) => (await import("../commands/check.js")).runCheck(source, specs, flags, world));
  });
}
