import { SpkociError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { CONFIG_LIMIT, type ImageConfig, parseImageConfig } from "../oci/image-config.js";
import type { Store } from "../oci/store.js";
import type { FindingCode } from "./finding-codes.js";
import type { Report } from "./findings.js";
import { imageFailure } from "./image-failure.js";

/** The manifest or index that a tag or digest names; undefined if there is none that can be read, which is reported. */
export async function readManifest(
  store: Store,
  reference: string,
  report: Report,
  op: Op,
): Promise<Document | undefined> {
  try {
    const document = await store.read(reference, op);
    if (document === undefined) report("MANIFEST_MISSING", `there is no manifest for ${reference}`);
    return document;
  } catch (error) {
    report("MANIFEST_UNREADABLE", (await imageFailure(error, store, op)).message);
    return undefined;
  }
}

/** What `parse` makes of content of the cache; undefined if it throws, which is reported under `code`. */
export function parseOrReport<T>(parse: () => T, code: FindingCode, report: Report): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SpkociError)) throw error;
    report(code, error.message);
    return undefined;
  }
}

/** An image's config. */
export interface ReadConfig {
  readonly bytes: Buffer;
  /** A JSON object; nothing is known of its members. */
  readonly value: Readonly<Record<string, unknown>>;
}

const WHAT = "its config";

/** An image's config; undefined if there is none that can be read, which is reported. */
export async function readConfig(
  store: Store,
  config: Descriptor,
  report: Report,
  op: Op,
): Promise<ReadConfig | undefined> {
  const { digest } = config;
  try {
    const bytes = await collect(await store.open(config, op), CONFIG_LIMIT, WHAT);
    const value = parseJson(bytes.toString("utf8"), WHAT);
    if (typeof value === "object" && value !== null) return { bytes, value: value as ReadConfig["value"] };
    report("CONFIG_UNREADABLE", `${WHAT} is no JSON object`, { digest });
  } catch (error) {
    const { code, message } = await imageFailure(error, store, op);
    report(code === "BLOB_NOT_FOUND" ? "CONFIG_MISSING" : "CONFIG_UNREADABLE", message, { digest });
  }
  return undefined;
}

/** The config as container runtimes read it; undefined if they can't, which is reported. */
export function imageConfigOf({ bytes }: ReadConfig, report: Report): ImageConfig | undefined {
  return parseOrReport(() => parseImageConfig(bytes, WHAT), "IMAGE_UNRUNNABLE", report);
}
