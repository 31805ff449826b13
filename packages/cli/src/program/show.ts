import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, ShowFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { addConnectionOptions } from "./options.js";
import type { Start } from "./start.js";

const SHOW_EXAMPLES = `
Of several packages that match the one is shown that fits this machine best. SHARED BY counts the other images of the
cache that have a layer too. Variables name the packages' prefixes as <name>; --json has them as they are.

Examples:
  spkoci show ghcr.io/org/cache python@3.11             its image, layers, environment, dependencies
  spkoci show --measure oci:./cache /abcdefg            read the layers, for their size unpacked
  spkoci show --json ghcr.io/org/cache hdf5 +mpi | jq '.layers[] | [.package.name, .size]'
`;

/** `spkoci show`. */
export function addShow(program: Command, start: Start): void {
  const command = program
    .command("show")
    .summary("show a package's image in a cache")
    .description("Show the image of a package in a cache: layers and their sizes, environment, dependencies.")
    .argument("<source>", "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH or oci:DIR")
    .argument("<spec...>", "one package as in Spack: name, name@1.2:, name+variant, /hash")
    .option("--measure", "read the layers, to tell how large they are unpacked");
  addConnectionOptions(command);
  command.addHelpText("after", SHOW_EXAMPLES).action(async (source, words) => {
    const flags: ShowFlags & GlobalFlags = givenOptions(command);
    await start(flags, async (world) => (await import("../commands/show.js")).runShow(source, words, flags, world));
  });
}
