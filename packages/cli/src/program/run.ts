import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, RunFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { collect, insecureOption, retriesOption } from "./options.js";
import type { Start } from "./start.js";

const RUN_EXAMPLES = `
The exit code is that of the command; 127 if there is no such command.

Examples:
  spkoci run python@3.11 -- python3 -m sysconfig
  spkoci run --from ghcr.io/org/cache hdf5 -- h5dump data.h5
                                                        installs hdf5 first if it isn't there
`;

/** `spkoci run`. */
export function addRun(program: Command, start: Start): void {
  program
    .command("run")
    .summary("run a command with installed packages")
    .description("Run a command in the run environment of installed packages.")
    .usage("[options] <spec...> -- <command> [argument...]")
    .argument("<spec...>", "packages as in Spack: name, name@1.2:, name+variant, /hash")
    .option("--root <dir>", "root of the store")
    .optionsGroup("Installing what is missing:")
    .option("--from <source>", "install packages that aren't there from this cache (repeatable)", collect)
    .option("--alias-dir <dir>", "as for install")
    .optionsGroup("Connection:")
    .option("--plain-http", "speak http to registries; loopback hosts may be plain in any case")
    .option("--ca-file <file>", "PEM certificates to trust beside the system's")
    .addOption(insecureOption())
    .addOption(retriesOption())
    .addHelpText("after", RUN_EXAMPLES)
    .action(async (words, _flags, command) => {
      const started = afterDashes(program);
      const flags: RunFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) =>
        (await import("../commands/run.js")).runRun(
          words.slice(0, words.length - started.length),
          started,
          flags,
          world,
        ),
      );
    });
}

/** The words behind `--`, which commander puts together with those before it. */
function afterDashes(program: Command): readonly string[] {
  const { rawArgs } = program as unknown as { rawArgs: readonly string[] };
  const dashes = rawArgs.indexOf("--");
  return dashes < 0 ? [] : rawArgs.slice(dashes + 1);
}
