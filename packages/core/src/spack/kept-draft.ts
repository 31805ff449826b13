import { stat } from "node:fs/promises";
import type { Op } from "../base/op.js";
import { readDatabaseText } from "./database.js";
import { DatabaseDraft } from "./database-draft.js";

/**
 * A store's database as this process wrote it last, for whoever writes it many times: it is read again only if somebody else has written it
 * since. To be used by one writer at a time, under the store's lock.
 */
export class KeptDraft {
  #kept: { readonly path: string; readonly draft: DatabaseDraft; readonly mark: string } | undefined;

  /**
   * The database as it is now; nothing is kept of it until `keep`.
   * @throws SpkociError as `readDatabaseText` and `DatabaseDraft`
   */
  async open(path: string, op?: Op): Promise<DatabaseDraft> {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept?.path === path && kept.mark === (await markOf(path))) return kept.draft;
    return new DatabaseDraft(await readDatabaseText(path, op), path);
  }

  /** Keeps a draft that has been written to the path. */
  async keep(path: string, draft: DatabaseDraft): Promise<void> {
    const mark = await markOf(path);
    this.#kept = mark === undefined ? undefined : { path, draft, mark };
  }
}

/** Which file lies there, and as of when: whoever writes the database puts another file in its place. undefined if that can't be told. */
async function markOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats && [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ");
}
