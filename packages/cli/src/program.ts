import { Command, Option } from "@commander-js/extra-typings";
import type { Command as PlainCommand } from "commander";
import type { EnvFlags, FindFlags, GlobalFlags, InstallFlags, LoginFlags, PushFlags, RunFlags } from "./flags.js";
import { givenOptions } from "./given-options.js";
import { addStoreCommands, type StoreActions } from "./store-commands.js";

/** What the commands do once their words are parsed. */
export interface Actions extends StoreActions {
  push(target: string, specs: readonly string[], flags: PushFlags & GlobalFlags): Promise<void>;
  install(source: string, specs: readonly string[], flags: InstallFlags & GlobalFlags): Promise<void>;
  find(specs: readonly string[], flags: FindFlags & GlobalFlags): Promise<void>;
  env(specs: readonly string[], flags: EnvFlags & GlobalFlags): Promise<void>;
  /** @param command what follows `--` */
  run(specs: readonly string[], command: readonly string[], flags: RunFlags & GlobalFlags): Promise<void>;
  login(registry: string, flags: LoginFlags & GlobalFlags): Promise<void>;
  logout(registry: string, flags: GlobalFlags): Promise<void>;
}

const PUSH_EXAMPLES = `
Packages (SPEC) are named as in Spack: name, name@1.2:1.4, name+variant, "name %gcc ^dep", /hash. Their link and run
dependencies are pushed too.

Spack itself reads layers compressed with gzip only. Use zstd for images that only container runtimes read.

Examples:
  spkoci push oci:./cache zlib                          into an OCI layout folder
  spkoci push ghcr.io/org/cache python@3.11.2           to a registry
  spkoci push --dry-run ghcr.io/org/cache --all         show what would be done
  spkoci push --base-image debian:12 --cmd '["python3"]' ghcr.io/org/cache python
                                                        images that run
  spkoci push --tag tools ghcr.io/org/cache -e ./env    one more image over an environment's roots
  spkoci push --sysroot ./unpacked --store /opt/spack/opt/spack oci:./cache zlib
                                                        a store that lies under another root
`;

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

const FIND_EXAMPLES = `
A SPEC is what Spack takes: name, name@1.2:1.4, +variant, %gcc@12, "name ^dep", /hash; without any, everything is listed.

Examples:
  spkoci find                                           what \`spkoci install\` installed
  spkoci find --long python@3                           with hashes
  spkoci find --root /opt/spack/opt/spack --json zlib   in another store, as JSON with prefixes
`;

const ENV_EXAMPLES = `
The variables are those of the packages and of what they need at run time. Your own values stay behind theirs.

Examples:
  eval "$(spkoci env python@3.11)"                      in sh, bash and zsh
  spkoci env --fish python | source                     in fish
  spkoci env --csh python > env.csh; source env.csh     in csh and tcsh
`;

const RUN_EXAMPLES = `
The exit code is that of the command; 127 if there is no such command.

Examples:
  spkoci run python@3.11 -- python3 -m sysconfig
  spkoci run --from ghcr.io/org/cache hdf5 -- h5dump data.h5
                                                        installs hdf5 first if it isn't there
`;

const LOGIN_NOTES = `
The password comes from standard input with --password-stdin, else from a prompt on the terminal. It is kept
where docker keeps it: in the credential helper that docker's config.json names, else in that file.

Examples:
  spkoci login ghcr.io
  echo "$TOKEN" | spkoci login --username me --password-stdin ghcr.io
`;

const PROGRAM_NOTES = `
Options can be set in a configuration file and by variables too: see docs/configuration.md.
`;

/** Where help goes. */
export interface ProgramOutput {
  out(text: string): void;
  err(text: string): void;
}

/** The whole command line. It ends by returning or throwing, and prints nothing but help and version. */
export function createProgram(version: string, actions: Actions, output: ProgramOutput): PlainCommand {
  const program = new Command("spkoci")
    .exitOverride()
    .configureOutput({ writeOut: output.out, writeErr: output.err, outputError: () => {} })
    .description(
      "Push installed Spack packages to OCI registries and layout folders as images, and install them from there.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", PROGRAM_NOTES)
    .optionsGroup("Output:")
    .option("-q, --quiet", "print nothing but errors")
    .addOption(new Option("-v, --verbose", "print requests and retries too").conflicts("quiet"))
    .option("--json", "print events as JSON lines on standard error, and one result document on standard output")
    .option("--no-color", "print without colours")
    .option("--debug", "print the stacks of errors")
    .optionsGroup("Configuration:")
    .option("--config <file>", "read this configuration file instead of the project's and the user's");
  addPush(program as unknown as Command, actions);
  addInstall(program as unknown as Command, actions);
  addFind(program as unknown as Command, actions);
  addStoreCommands(program as unknown as Command, actions);
  addEnv(program as unknown as Command, actions);
  addRun(program as unknown as Command, actions);
  addLogin(program as unknown as Command, actions);
  return program as unknown as PlainCommand;
}

function addPush(program: Command, actions: Actions): void {
  program
    .command("push")
    .summary("push installed packages")
    .description("Push installed packages with their dependencies to a registry or an OCI layout folder.")
    .argument("<target>", "ghcr.io/org/cache, oci://HOST/PATH, oci+http://HOST/PATH or oci:DIR")
    .argument("[spec...]", "packages as in Spack: name, name@1.2:, name+variant, /hash")
    .optionsGroup("Where the packages are:")
    .option("--store <dir>", "root of the Spack store, as Spack records it")
    .option("--sysroot <dir>", "the store lies under this folder although its recorded paths start at /")
    .option("--upstream <dir>", "root of an upstream store (repeatable)", collect)
    .optionsGroup("Which packages:")
    .option("--all", "every installed package")
    .option("-e, --environment <dir>", "the roots of the Spack environment in this folder (repeatable)", collect)
    .option("--only <what>", "push only the chosen packages (package) or only their dependencies (dependencies)")
    .option("--with-build-dependencies", "push build dependencies too")
    .option("--force", "push again what the target has")
    .optionsGroup("Images:")
    .option("--base-image <ref>", "image to build on: ubuntu:24.04, HOST/PATH:TAG or oci:DIR[:TAG]")
    .option("--platform <platform>", "which image of a base index, such as linux/amd64")
    .option("--tag <name>", "one more image over all chosen packages, under this tag")
    .option("--run-env <source>", "environment of the images: from recipes (spack), from folders (prefix), or auto")
    .option("--set-env <key=value>", "a variable of the images (repeatable)", collect)
    .option("--entrypoint <command>", "entrypoint: a JSON list of words, or a text for /bin/sh -c")
    .option("--cmd <command>", "command: a JSON list of words, or a text for /bin/sh -c")
    .option("--user <user>", "user that the images run as")
    .option("--workdir <dir>", "folder that the images start in")
    .option("--label <key=value>", "a label of the images (repeatable)", collect)
    .option("--source <url>", "annotation org.opencontainers.image.source")
    .optionsGroup("Layers and transfer:")
    .option("--compression <format>", "gzip or zstd; Spack reads gzip only")
    .option("--compression-level <level>", "1 to 9 for gzip, 1 to 19 for zstd")
    .option("-j, --jobs <count>", "packages and transfers at once")
    .option("--cache-dir <dir>", "folder for layers on their way to the target")
    .option("--no-update-index", "leave the cache's index alone")
    .option("--fail-fast", "stop at the first package that fails")
    .option("--dry-run", "print the plan and write nothing")
    .optionsGroup("Connection:")
    .option("--plain-http", "speak http to registries; loopback hosts may be plain in any case")
    .option("--ca-file <file>", "PEM certificates to trust beside the system's")
    .addOption(insecureOption())
    .addHelpText("after", PUSH_EXAMPLES)
    .action(async (target, specs, _flags, command) => {
      await actions.push(target, specs, givenOptions(command));
    });
}

function addInstall(program: Command, actions: Actions): void {
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
    .addHelpText("after", INSTALL_EXAMPLES)
    .action(async (source, specs, _flags, command) => {
      await actions.install(source, specs, givenOptions(command));
    });
}

function addFind(program: Command, actions: Actions): void {
  program
    .command("find")
    .summary("list installed packages")
    .description("List the packages that are installed in a store.")
    .argument("[spec...]", "packages as in Spack: name, name@1.2:, name+variant, /hash")
    .option("--root <dir>", "root of the store")
    .option("-l, --long", "show the beginnings of hashes too")
    .addHelpText("after", FIND_EXAMPLES)
    .action(async (specs, _flags, command) => {
      await actions.find(specs, givenOptions(command));
    });
}

function addEnv(program: Command, actions: Actions): void {
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
      await actions.env(specs, givenOptions(command));
    });
}

function addRun(program: Command, actions: Actions): void {
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
    .addHelpText("after", RUN_EXAMPLES)
    .action(async (words, _flags, command) => {
      const started = afterDashes(program);
      await actions.run(words.slice(0, words.length - started.length), started, givenOptions(command));
    });
}

/** The words behind `--`, which commander puts together with those before it. */
function afterDashes(program: Command): readonly string[] {
  const { rawArgs } = program as unknown as { rawArgs: readonly string[] };
  const dashes = rawArgs.indexOf("--");
  return dashes < 0 ? [] : rawArgs.slice(dashes + 1);
}

function addLogin(program: Command, actions: Actions): void {
  program
    .command("login")
    .summary("keep credentials for a registry")
    .description("Check a user name and password with a registry, and keep them.")
    .argument("<registry>", "host of the registry, such as ghcr.io or localhost:5000")
    .optionsGroup("Credentials:")
    .option("-u, --username <name>", "user name; asked for on a terminal unless given")
    .option("--password-stdin", "read the password from standard input")
    .optionsGroup("Connection:")
    .option("--plain-http", "speak http to registries; loopback hosts may be plain in any case")
    .option("--ca-file <file>", "PEM certificates to trust beside the system's")
    .addOption(insecureOption())
    .addHelpText("after", LOGIN_NOTES)
    .action(async (registry, _flags, command) => {
      await actions.login(registry, givenOptions(command));
    });
  program
    .command("logout")
    .summary("forget credentials for a registry")
    .description("Forget what login kept for a registry.")
    .argument("<registry>", "host of the registry, such as ghcr.io")
    .action(async (registry, _flags, command) => {
      await actions.logout(registry, givenOptions(command));
    });
}

function insecureOption(): Option<"--insecure-skip-verify"> {
  return new Option("--insecure-skip-verify", "accept any certificate");
}

function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}
