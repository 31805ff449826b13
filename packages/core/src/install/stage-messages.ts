import type { PlainError } from "../base/plain-error.js";
import type { FinishedPackage, FinishJob, UnpackJob } from "./stage-package.js";

/** What a thread that stages packages is told. `id` names one package. */
export type ToStage =
  /** The layer comes through `room`. */
  | { readonly type: "unpack"; readonly id: number; readonly job: UnpackJob; readonly room: SharedArrayBuffer }
  /** The layer's next bytes stand in a slot of the room, which they have until it is given back. */
  | { readonly type: "bytes"; readonly id: number; readonly at: number; readonly length: number }
  /** The layer ends there; with an error if it could not be read. */
  | { readonly type: "layer-end"; readonly id: number; readonly error?: PlainError }
  | { readonly type: "finish"; readonly id: number; readonly job: FinishJob }
  /** Nothing more is wanted of the package; what is under way fails. */
  | { readonly type: "stop"; readonly id: number }
  | { readonly type: "end" };

/** What it tells. `unpack` and `finish` are each answered with `unpacked` or `finished`, or with `failed`, once they have ended. */
export type FromStage =
  | { readonly type: "ready" }
  /** Gives slots back, the one first that came first. */
  | { readonly type: "used"; readonly id: number; readonly slots: number }
  | { readonly type: "unpacked"; readonly id: number; readonly buildInfo: string }
  | { readonly type: "finished"; readonly id: number; readonly result: FinishedPackage }
  | { readonly type: "failed"; readonly id: number; readonly error: PlainError };
