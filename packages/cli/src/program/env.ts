import { type Command, Option } from "@commander-js/extra-typings";
import type { EnvFlags, GlobalFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import type { Start } from "./start.js";

const ENV_EXAMPLES = `
The variables are those of the packages and of what they need at run time. Your own values stay behind theirs.

Examples:
  eval "$(spkoci env python@3.11)"                      in sh, bash and zsh
  spkoci env --fish python | source                     in fish
  spkoci env --csh python > env.csh; source env.csh     in csh and tcsh
`;

/** `spkoci env`. */
export function addEnv(program: Command, start: Start): void {
  program
    .command("env")
    .summary("print what using packages changes in the environment")
    .description("Print the run environment of installed packages as a script for a shell.")
    .argument("<spec...>", "packages as in Spack: name, name@1.2:, name+variant, /hash")
    .option("--root <dir>", "root of the store")
    .optionsGroup("Language, that of $SHELL unless told:")
    .addOption(new Option("--sh", "for sh, bash and zsh").conflicts(["csh", "fish"]))
    .addOption(new Option("--csh", "for csh and tcsh").conflicts("fish"))
    .option("--fish", "for fish")
    .addHelpText("after", ENV_EXAMPLES)
    .action(async (specs, _flags, command) => {
      const flags: EnvFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) => (await import("../commands/env.js")).runEnv(specs, flags, world));
    });
}
