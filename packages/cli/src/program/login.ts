import type { Command } from "@commander-js/extra-typings";
import type { GlobalFlags, LoginFlags } from "../flags.js";
import { givenOptions } from "../given-options.js";
import { insecureOption } from "./options.js";
import type { Start } from "./start.js";

const LOGIN_NOTES = `
The password comes from standard input with --password-stdin, else from a prompt on the terminal. It is kept
where docker keeps it: in the credential helper that docker's config.json names, else in that file.

Examples:
  spkoci login ghcr.io
  echo "$TOKEN" | spkoci login --username me --password-stdin ghcr.io
`;

/** `spkoci login` and `spkoci logout`. */
export function addLogin(program: Command, start: Start): void {
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
      const flags: LoginFlags & GlobalFlags = givenOptions(command);
      await start(flags, async (world) => (await import("../commands/login.js")).runLogin(registry, flags, world));
    });
  program
    .command("logout")
    .summary("forget credentials for a registry")
    .description("Forget what login kept for a registry.")
    .argument("<registry>", "host of the registry, such as ghcr.io")
    .action(async (registry, _flags, command) => {
      const flags: GlobalFlags = givenOptions(command);
      await start(flags, async (world) => (await import("../commands/logout.js")).runLogout(registry, flags, world));
    });
}
