import { mkdtemp, rm } from "node:fs/promises";
import { afterEach, beforeEach } from "vitest";
import { createTemporaryFolder, type TemporaryFolder } from "./temporary-folder.js";

/** Folders to install into, new for each test. */
export class InstallFolders {
  #folder: TemporaryFolder | undefined;
  #aliases = "";

  constructor() {
    beforeEach(async () => {
      this.#folder = await createTemporaryFolder();
      this.#aliases = await mkdtemp("/tmp/s-");
    });
    afterEach(async () => {
      await this.#folder?.remove();
      await rm(this.#aliases, { recursive: true, force: true });
    });
  }

  get path(): string {
    return this.#folder?.path ?? "";
  }

  /** A short path, as an alias folder must be. */
  get aliases(): string {
    return this.#aliases;
  }
}
