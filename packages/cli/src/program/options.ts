import { Option } from "@commander-js/extra-typings";
import type { Command as PlainCommand } from "commander";

export function insecureOption(): Option<"--insecure-skip-verify"> {
  return new Option("--insecure-skip-verify", "accept any certificate");
}

/** How often failed requests may be repeated. */
export function retriesOption(): Option<"--retries <count>"> {
  return new Option("--retries <count>", "retries of failed requests in the whole run");
}

/** How much of a layer one request carries. */
export function chunkSizeOption(): Option<"--chunk-size <mib>"> {
  return new Option("--chunk-size <mib>", "send layers in parts of so many MiB, which go on where they broke off");
}

/** For options that can be given several times. */
export function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}

/** How a registry is reached. */
export function addConnectionOptions(command: object): void {
  (command as PlainCommand)
    .optionsGroup("Connection:")
    .option("--plain-http", "speak http to registries; loopback hosts may be plain in any case")
    .option("--ca-file <file>", "PEM certificates to trust beside the system's")
    .addOption(insecureOption())
    .addOption(retriesOption());
}

/** How much of each package is shown, as `spack find` has it. */
export function addPackageOptions(command: object): void {
  (command as PlainCommand)
    .option("-l, --long", "show the beginnings of hashes too")
    .option("-L, --very-long", "show whole hashes")
    .option("-v, --variants", "show variants and compiler flags");
}
