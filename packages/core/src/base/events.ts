/**
 * What happens during a long call. Events are plain data, one JSON object each; the program prints them as
 * NDJSON with `--json`. Sizes are bytes, times ms.
 */
export type SpkociEvent =
  | WarningEvent
  | RetryEvent
  | RequestEvent
  | PaceEvent
  | StepEvent
  | ProgressEvent
  | PlannedEvent
  | PackageStartedEvent
  | PackageProgressEvent
  | PackageFinishedEvent
  | PackageFailedEvent;

export type Emit = (event: SpkociEvent) => void;

/** Something the user should know that stops nothing. */
export interface WarningEvent {
  readonly type: "warning";
  readonly message: string;
  readonly hint?: string;
}

/** A request is repeated after `delayMs`. */
export interface RetryEvent {
  readonly type: "retry";
  readonly what: string;
  readonly attempt: number;
  readonly delayMs: number;
  readonly reason: string;
  /** Retries of the run so far, this one included, and how many are allowed by now. */
  readonly retries?: { readonly used: number; readonly allowed: number };
}

/** One HTTP exchange ended; `url` has no secrets. Shown by `--verbose`. */
export interface RequestEvent {
  readonly type: "request";
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly durationMs: number;
}

/** A registry is asked less at once from now on. Shown by `--verbose`. */
export interface PaceEvent {
  readonly type: "pace";
  readonly registry: string;
  /** Requests at once. */
  readonly atOnce: number;
  readonly reason: string;
}

/** A step of the whole run begins, such as reading the store or writing the index. */
export interface StepEvent {
  readonly type: "step";
  readonly step: string;
  readonly message: string;
}

/**
 * How far a step is whose things are too many or too small for events of their own: `done` of `total`, which is absent as long as it
 * is not known. At most ten a second, and one at the end.
 */
export interface ProgressEvent {
  readonly type: "progress";
  readonly step: string;
  /** What is counted. */
  readonly unit: "tags" | "packages" | "blobs" | "bytes";
  readonly done: number;
  readonly total?: number;
}

/** Everything is decided: so many packages are looked after, and so many bytes of files are read for their layers. */
export interface PlannedEvent {
  readonly type: "planned";
  readonly packages: number;
  readonly prefixSize: number;
}

/** The package an event is about. */
interface OfPackage {
  /** DAG hash. */
  readonly hash: string;
  /** `name@version`. */
  readonly package: string;
}

export interface PackageStartedEvent extends OfPackage {
  readonly type: "package-started";
}

/** `bytes` of `total` are done in this stage; `total` is absent where it is not known. */
export interface PackageProgressEvent extends OfPackage {
  readonly type: "package-progress";
  readonly stage: "archive" | "upload" | "download";
  readonly bytes: number;
  readonly total?: number;
}

export interface PackageFinishedEvent extends OfPackage {
  readonly type: "package-finished";
  readonly outcome: "pushed" | "rewritten" | "skipped" | "installed" | "copied";
  readonly durationMs: number;
}

export interface PackageFailedEvent extends OfPackage {
  readonly type: "package-failed";
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}
