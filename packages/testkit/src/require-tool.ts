import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Whether a program is on the PATH, for `describe.skipIf(!requireTool("skopeo"))`. A missing one is said on stderr.
 * Where CI is set it throws instead: CI tests everything.
 */
export function requireTool(name: string): boolean {
  const found = (process.env.PATH ?? "").split(delimiter).some((folder) => isExecutable(join(folder, name)));
  if (found) return true;
  if (process.env.CI) throw new Error(`${name} is not installed, and CI needs it`);
  process.stderr.write(`skipped: tests that need ${name}, which is not installed\n`);
  return false;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
