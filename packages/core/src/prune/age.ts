import { mapConcurrently } from "../base/concurrency.js";
import type { Digest } from "../base/digest.js";
import { parseJson } from "../base/json.js";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import { isBrokenImage } from "../catalog/broken-image.js";
import { CONFIG_LIMIT } from "../oci/image-config.js";
import type { Store } from "../oci/store.js";
import type { Decision } from "./decide.js";
import type { KeepReason } from "./result.js";
import type { Survey, SurveyedImage } from "./survey.js";

/** When an image was written to the cache, ms since 1970; undefined where nobody tells. */
export type WrittenAt = (digest: Digest) => Promise<number | undefined>;

export interface AgeLimits {
  /** Images written since, ms since 1970, stay. */
  readonly writtenSince: number;
  /** Packages built since, ms since 1970, are roots. */
  readonly builtSince: number | undefined;
}

/**
 * Of the images that would go, those that are too young, and why. When an image was built is the time in its config; when it was written
 * is what the cache tells, or else the time in the config. Of unknown age, nothing is too young for the grace period, and every package
 * is new enough to be a root.
 */
export async function findYoung(
  store: Store,
  survey: Survey,
  decision: Decision,
  writtenAt: WrittenAt,
  limits: AgeLimits,
  jobs: number,
  op: Op,
): Promise<ReadonlyMap<Digest, KeepReason>> {
  const young = new Map<Digest, KeepReason>();
  const candidates = [...survey.images.values()].filter(({ digest }) => !decision.images.has(digest));
  await mapConcurrently(
    candidates,
    jobs,
    async (image, signal) => {
      const why = await reasonFor(image, store, writtenAt, limits, { ...op, signal });
      if (why !== undefined) young.set(image.digest, why);
    },
    op.signal,
  );
  return young;
}

async function reasonFor(
  image: SurveyedImage,
  store: Store,
  writtenAt: WrittenAt,
  { writtenSince, builtSince }: AgeLimits,
  op: Op,
): Promise<KeepReason | undefined> {
  const written = await writtenAt(image.digest);
  if (written !== undefined && written >= writtenSince) return "grace";
  const isPackage = image.role === "package";
  if (written !== undefined && (builtSince === undefined || !isPackage)) return undefined;
  const built = await readBuildTime(store, image, op);
  if (written === undefined && built !== undefined && built >= writtenSince) return "grace";
  if (builtSince === undefined || !isPackage) return undefined;
  const time = built ?? written;
  if (time === undefined) return "unknown-age";
  return time >= builtSince ? "newer" : undefined;
}

/** The time in an image's config. The year 1970 stands for none: spkoci and others write it to have the same bytes every time. */
async function readBuildTime(store: Store, { config, digest }: SurveyedImage, op: Op): Promise<number | undefined> {
  if (config === undefined) return undefined;
  try {
    const what = `the config of ${digest}`;
    const text = (await collect(await store.open(config, op), CONFIG_LIMIT, what)).toString("utf8");
    const { archive_timestamp, created } = (parseJson(text, what) ?? {}) as Record<string, unknown>;
    const times = [archive_timestamp, created].map((time) => (typeof time === "string" ? Date.parse(time) : 0));
    return times.find((time) => time > YEAR_MS);
  } catch (error) {
    if (!isBrokenImage(error)) throw error;
    return undefined;
  }
}

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
