import type { Op } from "@spkoci/core";
import { readSettings } from "../config/read-settings.js";
import type { Settings } from "../config/settings.js";
import type { GlobalFlags } from "../flags.js";
import type { World } from "../world.js";

/**
 * The settings for a command: its options, the variables and the configuration files. What is odd is told as a warning.
 * @throws SpkociError INVALID_CONFIG or INVALID_ARGUMENT
 */
export async function readCommandSettings(flags: GlobalFlags, world: World, op?: Op): Promise<Settings> {
  const { env, cwd, home } = world;
  const read = await readSettings({ flags: flagsByKey(flags), env, cwd, home, configFile: flags.config });
  for (const warning of read.warnings) op?.emit?.({ type: "warning", ...warning });
  return read.settings;
}

/** Options by the key of the setting they are for: `cacheDir` is `cache-dir`. */
function flagsByKey(flags: GlobalFlags): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).map(([name, value]) => [toKebabCase(name), value]));
}

function toKebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
