import { cleanText } from "./clean-text.js";

/** A package for people, as Spack writes it: `zlib@1.3.1/abcdefg`. */
export function packageLabel(nameAndVersion: string, hash: string): string {
  return cleanText(hash === "" ? nameAndVersion : `${nameAndVersion}/${hash.slice(0, 7)}`);
}
