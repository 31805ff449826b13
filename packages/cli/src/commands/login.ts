import { SpkociError, saveCredentials, verifyLogin } from "@spkoci/core";
import type { GlobalFlags, LoginFlags } from "../flags.js";
import { interruptible } from "../interrupt.js";
import { askHidden, askLine, readSecret } from "../prompt.js";
import { createRegistryAccess } from "../registry-access.js";
import { cleanText } from "../render/clean-text.js";
import { createReporter, type World } from "../world.js";
import { printResult } from "./print-result.js";
import { readCommandSettings } from "./read-command-settings.js";
import { parseRegistryName } from "./registry-name.js";

/** Checks a user name and a password with a registry and keeps them. */
export async function runLogin(name: string, flags: LoginFlags & GlobalFlags, world: World): Promise<number> {
  const registry = parseRegistryName(name);
  const { env, home } = world;
  const settings = await readCommandSettings(flags, world);
  const access = await createRegistryAccess(settings, undefined, world);
  const credentials = await readCredentials(registry, flags, world);
  const reporter = await createReporter(world, { ...flags, quiet: !(flags.verbose || flags.json) });
  try {
    const outcome = await interruptible(
      (signal) => verifyLogin(registry, credentials, access, { signal, emit: reporter.emit }),
      { onFirst: () => {}, onSecond: (exitCode) => process.exit(exitCode) },
    );
    const place = await saveCredentials(registry, credentials, { env, home });
    reporter.close();
    const which =
      outcome === "accepted" ? "took the credentials" : "lets anybody in and didn't look at the credentials";
    const text = `${registry} ${which}; they are kept in ${cleanText(place.name)}\n`;
    printResult({ registry, outcome, saved: place }, () => text, flags, world);
  } finally {
    reporter.close();
  }
  return 0;
}

async function readCredentials(
  registry: string,
  flags: LoginFlags,
  world: World,
): Promise<{ username: string; password: string }> {
  if (flags.passwordStdin) {
    if (flags.username === undefined) {
      throw new SpkociError("INVALID_ARGUMENT", "--password-stdin needs --username", {
        hint: `Write spkoci login --username NAME --password-stdin ${registry}.`,
      });
    }
    return { username: flags.username, password: checkPassword(await readSecret(world.stdin)) };
  }
  if (world.stdin.isTTY !== true) {
    throw new SpkociError("INVALID_ARGUMENT", "there is no terminal to ask for the password", {
      hint: "Use --username NAME --password-stdin.",
    });
  }
  const username = flags.username ?? (await askLine(`User name for ${registry}: `, world));
  if (username === "") throw new SpkociError("INVALID_ARGUMENT", "no user name was given");
  return { username, password: checkPassword(await askHidden(`Password for ${registry}: `, world)) };
}

function checkPassword(password: string): string {
  if (password !== "") return password;
  throw new SpkociError("INVALID_ARGUMENT", "the password is empty", {
    hint: "It is read from standard input with --password-stdin, else asked for.",
  });
}
