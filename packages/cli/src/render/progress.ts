import type { SpkociEvent } from "@spkoci/core";
import { formatRate, formatSize } from "./format-size.js";
import { packageLabel } from "./package-label.js";

/** A package under way. */
interface ActivePackage {
  readonly label: string;
  stage: "archive" | "upload" | undefined;
  bytes: number;
  total: number | undefined;
  /** When the stage began, ms. */
  since: number;
}

/** What the events of a run add up to. Times are ms of any one clock. */
export class Progress {
  /** What is done now, before there are packages under way. */
  step = "";
  /** Packages in all, once that is known. */
  planned: number | undefined;
  finished = 0;
  failed = 0;
  readonly active: Map<string, ActivePackage> = new Map();
  /** Uploaded bytes of packages that are no longer under way. */
  #uploaded = 0;
  #uploadSince: number | undefined;

  apply(event: SpkociEvent, now: number): void {
    switch (event.type) {
      case "step":
        this.step = event.message;
        break;
      case "planned":
        this.planned = event.packages;
        break;
      case "package-started":
        this.active.set(event.hash, activePackage(event, now));
        break;
      case "package-progress":
        this.#applyBytes(event, now);
        break;
      case "package-finished":
        this.finished += 1;
        this.#end(event.hash);
        break;
      case "package-failed":
        this.failed += 1;
        this.#end(event.hash);
        break;
    }
  }

  /** Packages that are done, well or badly. */
  get done(): number {
    return this.finished + this.failed;
  }

  /** Bytes sent so far. */
  get uploaded(): number {
    let bytes = this.#uploaded;
    for (const active of this.active.values()) if (active.stage === "upload") bytes += active.bytes;
    return bytes;
  }

  /** Ms since the first byte was sent. */
  uploadTime(now: number): number {
    return this.#uploadSince === undefined ? 0 : now - this.#uploadSince;
  }

  /** Bytes that were sent for a package under way. */
  uploadedOf(hash: string): number {
    const active = this.active.get(hash);
    return active?.stage === "upload" ? active.bytes : 0;
  }

  #applyBytes(event: SpkociEvent & { type: "package-progress" }, now: number): void {
    const active = this.active.get(event.hash) ?? activePackage(event, now);
    this.active.set(event.hash, active);
    if (active.stage !== event.stage) {
      active.stage = event.stage;
      active.since = now;
    }
    active.bytes = event.bytes;
    active.total = event.total;
    if (event.stage === "upload") this.#uploadSince ??= now;
  }

  #end(hash: string): void {
    this.#uploaded += this.uploadedOf(hash);
    this.active.delete(hash);
  }
}

function activePackage(event: { readonly package: string; readonly hash: string }, now: number): ActivePackage {
  const label = packageLabel(event.package, event.hash);
  return { label, stage: undefined, bytes: 0, total: undefined, since: now };
}

const VERBS = { archive: "packing", upload: "sending" } as const;
const BAR_WIDTH = 20;

/** The lines that show a run on a terminal of `width` columns: one for the whole, then at most `limit` for packages. */
export function formatProgress(progress: Progress, now: number, width: number, limit: number): string[] {
  const rows = [formatOverall(progress, now)];
  const active = [...progress.active.values()];
  const shown = active.length > limit ? active.slice(0, limit - 1) : active;
  const labelWidth = Math.min(40, Math.max(0, ...shown.map((each) => each.label.length)));
  for (const each of shown) rows.push(formatActive(each, now, labelWidth));
  if (shown.length < active.length) rows.push(`  and ${active.length - shown.length} more`);
  return rows.map((row) => row.slice(0, Math.max(0, width - 1)));
}

function formatOverall(progress: Progress, now: number): string {
  const { planned, done, failed, uploaded } = progress;
  if (planned === undefined && done === 0 && progress.active.size === 0) return progress.step;
  const parts = [planned === undefined ? `${done} packages` : `${bar(done, planned)} ${done}/${planned} packages`];
  if (uploaded > 0) parts.push(`${formatSize(uploaded)} sent`, formatRate(uploaded, progress.uploadTime(now)));
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.filter((part) => part !== "").join("  ");
}

function formatActive(active: ActivePackage, now: number, labelWidth: number): string {
  const label = fit(active.label, labelWidth);
  if (active.stage === undefined) return `  ${label}`;
  const { bytes, total } = active;
  if (active.stage === "upload" && bytes === total) return `  ${label}  sent     ${formatSize(bytes)}`;
  const sizes = total === undefined ? formatSize(bytes) : `${formatSize(bytes)} of ${formatSize(total)}`;
  const gauge = total === undefined ? "" : bar(bytes, total);
  const rate = formatRate(bytes, now - active.since);
  return `  ${label}  ${VERBS[active.stage]}  ${gauge}  ${sizes}  ${rate}`.trimEnd();
}

function bar(value: number, total: number): string {
  const filled = total > 0 ? Math.min(BAR_WIDTH, Math.floor((value / total) * BAR_WIDTH)) : BAR_WIDTH;
  return `[${"=".repeat(filled)}${" ".repeat(BAR_WIDTH - filled)}]`;
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}~` : text.padEnd(width);
}
