/** A file of this package, by its path in there. */
export function packageFile(path: string): URL {
  // Compiled, bundled or neither, this module lies in a folder of the package.
  return new URL(`../${path}`, import.meta.url);
}
