import { posix } from "node:path";
import { adaptiveCalls } from "../base/adaptive-calls.js";
import { SpkociError } from "../base/errors.js";
import type { FileCalls } from "../base/file-calls.js";

const LINK_LIMIT = 40;

/**
 * Finds recorded paths on this disk. With a sysroot, symbolic links on the way are followed as a system booted from there would
 * follow them: absolute targets, and `..` past the top, stay inside.
 */
export class PathOnDisk {
  readonly #sysroot: string | undefined;
  readonly #folders = new Map<string, Promise<string>>();
  /** Nothing else is done while paths are looked for. */
  readonly #calls: FileCalls = adaptiveCalls();

  constructor(sysroot?: string) {
    this.#sysroot = sysroot === undefined ? undefined : posix.resolve(sysroot);
  }

  /**
   * The path on this disk. What doesn't exist is taken as it is written.
   * @throws SpkociError STORAGE_FAILED for links that run in a circle
   */
  async find(recorded: string): Promise<string> {
    if (this.#sysroot === undefined) return recorded;
    return posix.join(this.#sysroot, await this.#resolve(posix.normalize(recorded), 0));
  }

  /** `path` with its links followed, as seen from inside the sysroot. */
  async #resolve(path: string, links: number): Promise<string> {
    if (path === "/" || path === ".") return "/";
    if (links > LINK_LIMIT) throw new SpkociError("STORAGE_FAILED", `too many symbolic links: ${path}`);
    const parent = await this.#resolveFolder(posix.dirname(path), links);
    const here = posix.join(parent, posix.basename(path));
    const target = await this.#linkTarget(here);
    if (target === undefined) return here;
    return this.#resolve(posix.resolve("/", parent, target), links + 1);
  }

  #resolveFolder(path: string, links: number): Promise<string> {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const found = this.#resolve(path, links);
    // A folder that is being resolved further up the stack must not wait for itself.
    found.then(
      () => this.#folders.set(path, found),
      () => {},
    );
    return found;
  }

  async #linkTarget(here: string): Promise<string | undefined> {
    const onDisk = posix.join(this.#sysroot ?? "/", here);
    try {
      const isLink = (await this.#calls.lstat(onDisk)).isSymbolicLink();
      return isLink ? (await this.#calls.readlink(onDisk)).toString("utf8") : undefined;
    } catch {
      return undefined;
    }
  }
}
