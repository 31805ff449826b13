import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, ReportFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { addConnectionOptions } from "./options.js";
import type { Start } from "./start.js";

const REPORT_EXAMPLES = `
The page has a picture of the packages by size, what needs each of them and what it needs, what sharing layers saves, how
the cache has grown as far as its images have dates, and a table to search. It is one file that loads nothing: it can be
kept, sent, or published as it is. With a QUERY it is about the packages that match, and what they need to run.

One manifest is fetched for each package, and for images that Spack wrote a config, for its date. Layers are not.
Of a cache without an index, the manifest and the config of each package tag are read.

Examples:
  spkoci report ghcr.io/org/cache                       into spkoci-report.html
  spkoci report oci:./cache -o cache.html hdf5 +mpi     one package and what it needs
  spkoci report ghcr.io/org/cache -o - | gzip > report.html.gz
`;

/** `spkoci report`. */
export function addReport(program: Command, start: Start): void {
  const command = program
    .command("report")
    .summary("make a page to look at a cache")
    .description("Make one HTML page that shows what is in a cache, how large it is, and what depends on what.")
    .argument("<source>", "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH or oci:DIR")
    .argument("[query...]", "packages as in Spack: name, name@1.2:, name+variant, /hash; all unless given")
    .option("-o, --output <file>", "file to write, - for standard output; an older report there is replaced")
    .option("-j, --jobs <count>", "images read at once");
  addConnectionOptions(command);
  command.addHelpText("after", REPORT_EXAMPLES).action(async (source, queries) => {
    const flags: ReportFlags & GlobalFlags = givenOptions(command);
    await start(flags, async (world) =>
      (await import("../commands/report.js")).runReport(source, queries, flags, world),
    );
  });
}
