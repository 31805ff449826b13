import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, PruneFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { addConnectionOptions, collect } from "./options.js";
import type { Start } from "./start.js";

const PRUNE_EXAMPLES = `
At least one of the options says what is to stay. With it stays what it needs to be linked and run; --with-build-dependencies
adds what it needs to be built. Images under tags that aren't packages' stay too, with the packages that they are of, unless
--all-tags is given.

What was written in the last hour (--grace) stays, so that a push at the same time finds what it needs. Registries don't tell
when that was; GitHub and folders do, and for others the time in the image counts, if it has one. Images that spkoci pushes have
none unless SOURCE_DATE_EPOCH is set.

A folder loses the blobs that nothing needs any more. A registry frees them when it collects its garbage. Images at ghcr.io are
deleted by GitHub's API, with the token in GITHUB_TOKEN or GH_TOKEN or else that of the login; it must be for read:packages
and delete:packages.

Examples:
  spkoci prune --dry-run --keep hdf5 ghcr.io/org/cache  say what would go, and how much that is
  spkoci prune --keep-env ./env --newer-than 90d ghcr.io/org/cache
                                                        what an environment needs, and what is new
  spkoci prune --yes --keep python@3.11: --keep "%gcc@13:" oci:./cache
                                                        without being asked
  spkoci prune --all-tags --keep-tag "release-*" oci:./cache
                                                        only what some images are made of
`;

/** `spkoci prune`. */
export function addPrune(program: Command, start: Start): void {
  const command = program
    .command("prune")
    .summary("remove what is not needed from a cache")
    .description("Remove packages from a cache, all but those that are to stay and what they need.")
    .argument("<target>", "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH or oci:DIR")
    .optionsGroup("What stays:")
    .option("--keep <spec>", "packages that match a spec as in Spack (repeatable)", collect)
    .option("--keep-env <path>", "what a spack.lock, or the folder of one, needs (repeatable)", collect)
    .option("--keep-tag <tag>", "images under a tag, in which * and ? are wild (repeatable)", collect)
    .option("--newer-than <age>", "packages built, or else written, in that time (90d, 12h); of unknown age, too")
    .option("--with-build-dependencies", "what all these need to be built, too")
    .option("--grace <age>", "what was written in that time; 1h unless given")
    .optionsGroup("What is done:")
    .option("--all-tags", "remove images under tags that aren't packages', too")
    .option("--dry-run", "print the plan and remove nothing")
    .option("-y, --yes", "don't ask")
    .option("-j, --jobs <count>", "requests at once");
  addConnectionOptions(command);
  command
    .option("--github-api <url>", "delete by this API of GitHub, such as https://HOST/api/v3 of an Enterprise Server")
    .addHelpText("after", PRUNE_EXAMPLES)
    .action(async (target, _flags) => {
      const flags: PruneFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) => (await import("../commands/prune.js")).runPrune(target, flags, world));
    });
}
