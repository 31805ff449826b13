import { SpkociError } from "../base/errors.js";

/** What an image runs on, in Go's names (image-spec, image-index.md, platform). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** Spack's target families and what Go calls them; the others have one name in both. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
  x86: "386",
  i686: "386",
};

/** Go's name of a Spack target family, such as `amd64` for `x86_64`. */
export function goArchitecture(family: string): string {
  return GO_ARCHITECTURES[family] ?? family;
}

/** @throws SpkociError UNKNOWN_PLATFORM unless `text` is `os/architecture` or `os/architecture/variant`. */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split("/");
  const parts = [os, architecture, ...(variant === undefined ? [] : [variant])];
  if (rest.length > 0 || !parts.every((part) => part !== undefined && /^[a-z0-9][a-z0-9._-]*$/i.test(part))) {
    throw new SpkociError("UNKNOWN_PLATFORM", `not a platform: ${JSON.stringify(text)}`, {
      hint: "Write OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, such as linux/amd64 or linux/arm64/v8.",
    });
  }
  return { os: os as string, architecture: goArchitecture(architecture as string), ...(variant ? { variant } : {}) };
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}
