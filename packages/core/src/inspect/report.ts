import type { Op } from "../base/op.js";
import { type CacheSource, openSources } from "../catalog/cache-source.js";
import { parseQueries } from "../catalog/package-query.js";
import { readIndex } from "../catalog/read-index.js";
import { formatLocation } from "../location/parse-location.js";
import { assembleReport } from "./assemble-report.js";
import { readIndexedImages, readTaggedImages } from "./read-images.js";
import type { CacheReport, ReportOptions } from "./report-result.js";

const IMAGES_AT_ONCE = 8;

/**
 * Reads what there is to say of a cache as a whole. Of a cache with an index, each package's manifest is fetched, and for images that
 * spkoci didn't write the config, for its date; of one without, the manifest and the config of each tag. No layer is read.
 * An image that can't be read is a warning, and in the report's `broken`.
 * @throws SpkociError INVALID_REFERENCE, INVALID_ARGUMENT for a query that can't be parsed, IMAGE_NOT_FOUND for a folder that is no OCI
 *   layout, SPEC_NOT_FOUND for a query that nothing matches, DOCUMENT_INVALID for a broken index, and those of the registry
 */
export async function readReport(options: ReportOptions, op: Op = {}): Promise<CacheReport> {
  const queries = parseQueries(options.queries ?? []);
  const jobs = options.jobs ?? IMAGES_AT_ONCE;
  const [source] = (await openSources([options.source], options.access ?? {})) as [CacheSource];
  op.emit?.({ type: "step", step: "index", message: `reading the index of ${source.store.name}` });
  const { index, digest } = await readIndex(source.store, op);
  const indexed = digest !== undefined;
  const images = indexed
    ? await readIndexedImages(index, source, queries, jobs, op)
    : await readTaggedImages(source, queries, jobs, op);
  return assembleReport(formatLocation(source.location), indexed, images);
}
