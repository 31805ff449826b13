import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, PushFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { chunkSizeOption, collect, insecureOption, retriesOption } from "./options.js";
import type { Start } from "./start.js";

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

/** `spkoci push`. */
export function addPush(program: Command, start: Start): void {
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
    .addOption(chunkSizeOption())
    .option("--cache-dir <dir>", "folder for layers on their way to the target, and for their digests")
    .option("--verify-cache", "read unchanged packages too, and warn where remembered digests are wrong")
    .option("--no-update-index", "leave the cache's index alone")
    .option("--fail-fast", "stop at the first package that fails")
    .option("--dry-run", "print the plan and write nothing")
    .optionsGroup("Connection:")
    .option("--plain-http", "speak http to registries; loopback hosts may be plain in any case")
    .option("--ca-file <file>", "PEM certificates to trust beside the system's")
    .addOption(insecureOption())
    .addOption(retriesOption())
    .addHelpText("after", PUSH_EXAMPLES)
    .action(async (target, specs, _flags, command) => {
      const flags: PushFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) => (await import("../commands/push.js")).runPush(target, specs, flags, world));
    });
}
