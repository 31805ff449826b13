import { SpkociError } from "../base/errors.js";

/** A tag names something else than the writer last saw. */
export function tagMoved(where: string, tag: string): SpkociError {
  return new SpkociError("TAG_MOVED", `another writer moved the tag ${tag} in ${where}`, {
    hint: "Run it again.",
  });
}
