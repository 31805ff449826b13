import type { PlainError } from "../base/plain-error.js";
import type { Relocatables } from "./relocatables.js";
import type { LayerJob, WrittenLayer } from "./write-layer.js";

/** What a thread that makes layers is told. `id` names one layer. */
export type ToThread =
  | { readonly type: "make"; readonly id: number; readonly job: LayerJob }
  | { readonly type: "build-info"; readonly id: number; readonly text: string }
  | { readonly type: "stop"; readonly id: number }
  | { readonly type: "end" };

/** What it tells. Every layer ends with `made` or `failed`; no file is left after the latter. */
export type FromThread =
  | { readonly type: "ready" }
  | { readonly type: "read"; readonly id: number; readonly bytes: number; readonly total: number }
  | { readonly type: "written"; readonly id: number; readonly size: number }
  | { readonly type: "found"; readonly id: number; readonly found: Relocatables }
  | { readonly type: "made"; readonly id: number; readonly layer: WrittenLayer }
  | { readonly type: "failed"; readonly id: number; readonly error: PlainError };
