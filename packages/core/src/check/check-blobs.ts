import type { Readable } from "node:stream";
import { mapConcurrently } from "../base/concurrency.js";
import { countOf } from "../base/count-of.js";
import type { Digest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { StepProgress } from "../base/step-progress.js";
import { hashLayer } from "../layer/scan-layer.js";
import type { BlobState, KnownBlob } from "./blob-register.js";
import { type CheckContext, reaches } from "./context.js";
import { imageFailure } from "./image-failure.js";
import { aboutOf } from "./survey-index.js";

/** Looks for the blobs that were noted, or at the level contents reads those that were not read yet; each once. */
export async function checkBlobs(context: CheckContext, jobs: number, op: Op): Promise<void> {
  const waiting = context.blobs.all().filter(({ state }) => state === "unknown");
  const verb = reaches(context, "contents") ? "reading" : "looking for";
  op.emit?.({ type: "step", step: "check-blobs", message: `${verb} ${countOf(waiting.length, "blob")}` });
  const progress = new StepProgress(op.emit, "check-blobs", "blobs", waiting.length);
  await mapConcurrently(
    waiting,
    jobs,
    async (blob, signal) => {
      blob.state = await examine(blob, context, { ...op, signal });
      progress.add(1);
    },
    op.signal,
  );
  progress.end();
}

async function examine({ descriptor, diffIds }: KnownBlob, context: CheckContext, op: Op): Promise<BlobState> {
  const { reader } = context;
  if (!reaches(context, "contents")) {
    if (await isThere({ descriptor }, context, op)) return "there";
    return (await reader.findFault(descriptor, op)) ?? "there";
  }
  if (diffIds.length === 0) return (await reader.findFault(descriptor, op)) ?? "there";
  const hash = (layer: Readable): Promise<Digest> => hashLayer({ layer, what: "it" }, op);
  const reading = await reader.read(descriptor, hash, op);
  return "fault" in reading ? reading : reading.value;
}

/** False also if the store can't tell: reading it will. */
async function isThere(
  { descriptor }: Pick<KnownBlob, "descriptor">,
  { store }: CheckContext,
  op: Op,
): Promise<boolean> {
  try {
    return await store.has(descriptor, op);
  } catch (error) {
    await imageFailure(error, store, op);
    return false;
  }
}

/** Reports what is wrong with blobs, under the packages that they belong to, and layers that unpack to something else than configs say. */
export function reportBlobs({ blobs, findings, indexed }: CheckContext): void {
  for (const { descriptor, tags, owner, diffIds, state } of blobs.all()) {
    const { digest } = descriptor;
    if (typeof state === "object") {
      const images = tags.length > 1 ? { images: tags.length } : {};
      findings.about({ ...(owner ?? { tag: tags[0] }), digest, ...images })(state.fault, state.message);
    }
    if (typeof state !== "string" || state === "unknown" || state === "there") continue;
    for (const { diffId, tag } of diffIds) {
      if (diffId === state) continue;
      const entry = indexed.get(tag);
      const about = owner?.tag === tag ? owner : { tag, ...(entry && aboutOf(entry)) };
      findings.about({ ...about, digest })("DIFF_ID_WRONG", `its config says ${diffId}, but the tar has ${state}`);
    }
  }
}
