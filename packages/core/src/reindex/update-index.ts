import type { Op } from "../base/op.js";
import { openLocation } from "../location/open-location.js";
import { parseLocation } from "../location/parse-location.js";
import type { UpdateIndexOptions } from "./options.js";
import { Reindexing } from "./reindexing.js";
import type { UpdateIndexResult } from "./result.js";

/**
 * Makes the index of a cache say what its tags lead to. Packages are read that the index doesn't name, or whose tags name
 * another manifest than when they were read last; with `full` all of them. Packages whose tags are gone or lead to no package are
 * taken out. The index is written from time to time, so that a run that was stopped is gone on with by the next. What others
 * push at the same time is kept.
 * @throws SpkociError INVALID_REFERENCE, IMAGE_NOT_FOUND for a folder that is no layout; DOCUMENT_INVALID for an index that can't be
 * read, unless `full`; INDEX_BUSY; AUTHENTICATION_REQUIRED, ACCESS_DENIED and REGISTRY_*
 */
export async function updateIndex(options: UpdateIndexOptions, op: Op = {}): Promise<UpdateIndexResult> {
  const store = await openLocation(parseLocation(options.source), options.access, "read");
  return new Reindexing(store, options, op).run();
}
