import { platform } from "node:os";
import { promisify } from "node:util";
import { SpkociError } from "../base/errors.js";

/** Signs a changed Mach-O file again, ad hoc. */
export type Sign = (path: string, signal: AbortSignal) => Promise<void>;

/**
 * How changed programs and libraries are signed on this machine: with codesign on macOS, which starts none whose signature doesn't hold;
 * not at all elsewhere.
 * @param env PATH leads to codesign
 */
export function signerFor(
  env: Readonly<Record<string, string | undefined>>,
  system: string = platform(),
): Sign | undefined {
  if (system !== "darwin") return undefined;
  return async (path, signal) => {
    // Takes time to load, in each thread.
    const { execFile } = await import("node:child_process");
    try {
      await promisify(execFile)("codesign", ["--force", "--sign", "-", path], { signal, env: { ...env } });
    } catch (error) {
      signal.throwIfAborted();
      throw new SpkociError("RELOCATION_FAILED", `codesign could not sign ${path}`, {
        cause: error,
        hint: "macOS starts no program whose signature doesn't hold; codesign comes with the command line tools.",
      });
    }
  };
}
