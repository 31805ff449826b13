import type { Emit } from "../base/events.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { InstallRecord } from "../spack/install-store.js";

const EVERY_MS = 100;

/** Tells how far a stage of one package is, at most every 100 ms and always at its end. */
export function createProgress(
  emit: Emit | undefined,
  record: InstallRecord,
  stage: "archive" | "upload",
): (bytes: number, total: number) => void {
  if (!emit) return () => {};
  let last = Number.NEGATIVE_INFINITY;
  return (bytes, total) => {
    const now = performance.now();
    if (now - last < EVERY_MS && bytes < total) return;
    last = now;
    emit({ type: "package-progress", hash: record.spec.hash, package: labelOf(record.spec), stage, bytes, total });
  };
}
