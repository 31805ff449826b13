import type { Command } from "@commander-js/extra-typings";
import type { CopyFlags, GlobalFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { addConnectionOptions, chunkSizeOption, collect } from "./options.js";
import type { Start } from "./start.js";

const COPY_EXAMPLES = `
Images are copied as they are, with their digests, and with what refers to them (signatures, SBOMs). Only what TARGET lacks
is sent; what it has already stays, and its index names all of it afterwards. A copy that was stopped is gone on with by the
next. Within one registry layers are mounted and not sent.

Packages (QUERY) are named as in Spack: all that match, for any machine, with what they need to run. Without QUERY, every
package is copied. Images under other tags, such as those of push --tag, are copied where --tag or --all-tags says so.

A tar (oci-archive:FILE) holds an OCI layout; skopeo reads and writes such files too. What is in FILE stays in it. With
--tar FILE, that file stands where SOURCE or TARGET is -.

Examples:
  spkoci copy ghcr.io/org/cache oci:/mnt/disk/cache python@3.11
                                                        a package and what it needs, onto a disk
  spkoci copy ghcr.io/org/cache oci-archive:/mnt/disk/cache.tar
                                                        a whole cache in one file
  spkoci copy oci-archive:/mnt/disk/cache.tar registry.inside/cache
                                                        and from there to a registry that has no network
  spkoci copy --tar cache.tar ghcr.io/org/cache - hdf5  the same file, written with --tar
  spkoci copy --dry-run ghcr.io/org/cache ghcr.io/org/release "target=x86_64_v3:"
                                                        what would be sent, and how many bytes
`;

/** `spkoci copy`. */
export function addCopy(program: Command, start: Start): void {
  const place = "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH, oci:DIR or oci-archive:FILE";
  const command = program
    .command("copy")
    .summary("copy packages from one cache to another")
    .description("Copy packages with their dependencies between registries, OCI layout folders and tars of them.")
    .argument("<source>", place)
    .argument("<target>", "the same; a folder or file is made if it doesn't exist")
    .argument("[query...]", "packages as in Spack: name, name@1.2:, name+variant, /hash; all unless given")
    .optionsGroup("What is copied:")
    .option("--no-deps", "only the packages that match")
    .option("--tag <name>", "the image under this tag too (repeatable)", collect)
    .option("--all-tags", "every image under a tag that is no package's, too")
    .option("--tar <file>", "the tar that is meant where SOURCE or TARGET is -")
    .optionsGroup("Transfer:")
    .option("-j, --jobs <count>", "packages and transfers at once")
    .addOption(chunkSizeOption())
    .option("--no-update-index", "leave the target's index alone")
    .option("--dry-run", "print the plan and write nothing");
  addConnectionOptions(command);
  command.addHelpText("after", COPY_EXAMPLES).action(async (source, target, queries) => {
    const flags: CopyFlags & GlobalFlags = givenOptions(command);
    await start(flags, async (world) =>
      (await import("../commands/copy.js")).runCopy(source, target, queries, flags, world),
    );
  });
}
