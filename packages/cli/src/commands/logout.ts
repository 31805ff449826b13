import { eraseCredentials } from "@spkoci/core";
import type { GlobalFlags } from "../flags.js";
import { cleanText } from "../render/clean-text.js";
import type { World } from "../world.js";
import { printResult } from "./print-result.js";
import { parseRegistryName } from "./registry-name.js";

/** Forgets what login kept for a registry; that there was nothing is no error. */
export async function runLogout(name: string, flags: GlobalFlags, world: World): Promise<number> {
  const registry = parseRegistryName(name);
  const place = await eraseCredentials(registry, { env: world.env, home: world.home });
  const what = place === undefined ? "nothing was kept" : `removed from ${cleanText(place.name)}`;
  printResult({ registry, erased: place ?? null }, () => `${registry}: ${what}\n`, flags, world);
  return 0;
}
