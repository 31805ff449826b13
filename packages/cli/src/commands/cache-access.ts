import { type Op, parseLocation, type RegistryAccess } from "@spkoci/core";
import type { Settings } from "../config/settings.js";
import type { ConnectionFlags, GlobalFlags } from "../flags.js";
import { createRegistryAccess } from "../registry-access.js";
import type { World } from "../world.js";
import { readCommandSettings } from "./read-command-settings.js";

/**
 * How the cache of a command is reached.
 * @throws SpkociError INVALID_REFERENCE, INVALID_CONFIG or INVALID_ARGUMENT
 */
export async function readCacheAccess(
  source: string,
  flags: ConnectionFlags & GlobalFlags,
  world: World,
  op: Op,
): Promise<RegistryAccess> {
  return (await readCacheSettings(source, flags, world, op)).access;
}

/**
 * The settings of a command on a cache, and how the cache is reached.
 * @throws SpkociError INVALID_REFERENCE, INVALID_CONFIG or INVALID_ARGUMENT
 */
export async function readCacheSettings(
  source: string,
  flags: ConnectionFlags & GlobalFlags,
  world: World,
  op: Op,
): Promise<{ readonly settings: Settings; readonly access: RegistryAccess }> {
  const location = parseLocation(source);
  const settings = await readCommandSettings(flags, world, op);
  const registry = location.kind === "registry" ? location.repository.registry : undefined;
  return { settings, access: await createRegistryAccess(settings, registry, world) };
}
