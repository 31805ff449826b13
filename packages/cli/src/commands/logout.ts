import { eraseCredentials } from "@spkoci/core";
import type { GlobalFlags } from "../flags.js";
import { cleanText, formatJsonLine } from "../render/clean-text.js";
import type { World } from "../world.js";
import { parseRegistryName } from "./registry-name.js";

/** Forgets what login kept for a registry; that there was nothing is no error. */
export async function runLogout(name: string, flags: GlobalFlags, world: World): Promise<void> {
  const registry = parseRegistryName(name);
  const place = await eraseCredentials(registry, { env: world.env, home: world.home });
  if (flags.json) world.stdout.write(`${formatJsonLine({ registry, erased: place ?? null })}\n`);
  else if (!flags.quiet) {
    const what = place === undefined ? "nothing was kept" : `removed from ${cleanText(place.name)}`;
    world.stdout.write(`${registry}: ${what}\n`);
  }
}
