import { Command, Option } from "@commander-js/extra-typings";
import type { Command as PlainCommand, Option as PlainOption } from "commander";
import { addCache } from "./program/cache.js";
import { addCheck } from "./program/check.js";
import { addCopy } from "./program/copy.js";
import { addEnv } from "./program/env.js";
import { addFind } from "./program/find.js";
import { addInstall } from "./program/install.js";
import { addList } from "./program/list.js";
import { addLogin } from "./program/login.js";
import { addPrune } from "./program/prune.js";
import { addPush } from "./program/push.js";
import { addReport } from "./program/report.js";
import { addRun } from "./program/run.js";
import { addShow } from "./program/show.js";
import type { Start } from "./program/start.js";
import { addTree } from "./program/tree.js";
import { addUninstall } from "./program/uninstall.js";
import { addUpdateIndex } from "./program/update-index.js";
import { addVerify } from "./program/verify.js";

/** In the order in which help lists them. */
const COMMANDS = [
  addPush,
  addInstall,
  addFind,
  addUninstall,
  addVerify,
  addCache,
  addEnv,
  addRun,
  addList,
  addShow,
  addTree,
  addReport,
  addUpdateIndex,
  addCheck,
  addPrune,
  addCopy,
  addLogin,
];

const PROGRAM_NOTES = `
Options can be set in a configuration file and by variables too: see docs/configuration.md.
`;

/** Where help goes. */
export interface ProgramOutput {
  out(text: string): void;
  err(text: string): void;
}

/** The whole command line. It ends by returning or throwing, and prints nothing but help and version. */
export function createProgram(version: string, start: Start, output: ProgramOutput): PlainCommand {
  const program = new Command("spkoci")
    .exitOverride()
    .configureOutput({ writeOut: output.out, writeErr: output.err, outputError: () => {} })
    .description(
      "Push installed Spack packages to OCI registries and layout folders as images, and install them from there.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .enablePositionalOptions()
    .addHelpText("after", PROGRAM_NOTES)
    .optionsGroup("Output:")
    .option("-q, --quiet", "print nothing but errors")
    .addOption(new Option("-v, --verbose", "print requests and retries too").conflicts("quiet"))
    .option("--json", "print events as JSON lines on standard error, and one result document on standard output")
    .option("--no-color", "print without colours")
    .option("--debug", "print the stacks of errors")
    .optionsGroup("Configuration:")
    .option("--config <file>", "read this configuration file instead of the project's and the user's");
  for (const add of COMMANDS) add(program as unknown as Command, start);
  const plain = program as unknown as PlainCommand;
  for (const command of plain.commands) addGlobalOptions(command, plain.options);
  return plain;
}

/** Gives a command the options of the program, but for the short forms that the command uses itself: `-v` means variants to some, as in Spack. */
function addGlobalOptions(command: PlainCommand, globals: readonly PlainOption[]): void {
  const taken = new Set(command.options.map(({ short }) => short));
  for (const option of globals) {
    if (option.long === "--version") continue;
    if (!taken.has(option.short)) {
      command.addOption(option);
      continue;
    }
    const flags = option.flags.replace(/^-\w, /, "");
    command.addOption(new Option(flags, option.description).helpGroup(option.helpGroupHeading ?? "Options:"));
  }
}
