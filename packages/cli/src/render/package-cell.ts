import type { ConcreteSpec } from "@spkoci/core";
import { formatFlags, formatVariants } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import { type Colors, paint } from "./colors.js";
import type { Cell } from "./columns.js";

/** How much is shown of each package. */
export interface PackageStyle {
  /** Of the DAG hash in front of the name: nothing, its beginning, or all of it. */
  readonly hash: "none" | "short" | "long";
  /** Variants and compiler flags too. */
  readonly variants: boolean;
}

/** Characters of a hash that are shown where not all of it is. */
const SHORT = 7;

/** A package in a list: `abcdefg zlib@1.3.1+shared`. */
export function packageCell(spec: ConcreteSpec, style: PackageStyle, colors: Colors): Cell {
  const hash = hashText(spec.hash, style);
  const name = cleanText(spec.name);
  const version = cleanText(`@${spec.version}`);
  const variants = style.variants ? cleanText(`${formatFlags(spec)}${formatVariants(spec)}`.trimEnd()) : "";
  return {
    plain: `${hash}${name}${version}${variants}`,
    shown: `${paint(colors.dim, hash)}${name}${colors.cyan(version)}${paint(colors.blue, variants)}`,
  };
}

/** A package of which nothing but name and hash is known. */
export function unknownPackageCell(name: string, hash: string, style: PackageStyle, colors: Colors): Cell {
  const shown = cleanText(name);
  const front = hashText(hash, style);
  return { plain: `${front}${shown}`, shown: `${paint(colors.dim, front)}${shown}` };
}

function hashText(hash: string, style: PackageStyle): string {
  if (style.hash === "none") return "";
  return `${cleanText(style.hash === "long" ? hash : hash.slice(0, SHORT))} `;
}
