import type { ConnectionFlags, PushFlags } from "../flags.js";

/** Options by the key of the setting they are for: `cacheDir` is `cache-dir`. */
export function settingFlags(flags: PushFlags | ConnectionFlags): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).map(([name, value]) => [toKebabCase(name), value]));
}

function toKebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
