import type { PlainError } from "../base/plain-error.js";
import type { FinishedPackage, FinishJob, UnpackJob } from "./stage-package.js";

/** What a thread that stages packages is told. `id` names one package. */
export type ToStage =
  | { readonly type: "unpack"; readonly id: number; readonly job: UnpackJob }
  /** The next bytes of the layer. */
  | { readonly type: "bytes"; readonly id: number; readonly bytes: Uint8Array }
  /** The layer ends there; with an error if it could not be read. */
  | { readonly type: "layer-end"; readonly id: number; readonly error?: PlainError }
  | { readonly type: "finish"; readonly id: number; readonly job: FinishJob }
  /** Nothing more is wanted of the package; what is under way fails. */
  | { readonly type: "stop"; readonly id: number }
  | { readonly type: "end" };

/** What it tells. `unpack` and `finish` are each answered with `unpacked` or `finished`, or with `failed`, once they have ended. */
export type FromStage =
  | { readonly type: "ready" }
  /** So many bytes of the layer are used. */
  | { readonly type: "used"; readonly id: number; readonly size: number }
  | { readonly type: "unpacked"; readonly id: number; readonly buildInfo: string }
  | { readonly type: "finished"; readonly id: number; readonly result: FinishedPackage }
  | { readonly type: "failed"; readonly id: number; readonly error: PlainError };
