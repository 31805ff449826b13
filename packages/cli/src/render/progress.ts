import type { SpkociEvent } from "@spkoci/core";
import { formatRate, formatSize } from "./format-size.js";
import { packageLabel } from "./package-label.js";

type Stage = Extract<SpkociEvent, { type: "package-progress" }>["stage"];

/** What is done to a package in each stage, while it lasts and, where bytes go over a wire, when it is done. */
const STAGES: Readonly<Record<Stage, { readonly doing: string; readonly done?: string }>> = {
  archive: { doing: "packing" },
  upload: { doing: "sending", done: "sent" },
  download: { doing: "fetching", done: "fetched" },
};

/** Bytes that went to or came from a cache. */
export interface Transfer {
  readonly bytes: number;
  /** `sent` or `fetched`. */
  readonly done: string;
}

/** A package under way. */
interface ActivePackage {
  readonly label: string;
  stage: Stage | undefined;
  bytes: number;
  total: number | undefined;
  /** When the stage began, ms. */
  since: number;
}

/** What the events of a run add up to. Times are ms of any one clock. */
export class Progress {
  /** What is done now, before there are packages under way. */
  step = "";
  /** How far that is. */
  stepProgress: Extract<SpkociEvent, { type: "progress" }> | undefined;
  /** Packages in all, once that is known. */
  planned: number | undefined;
  finished = 0;
  failed = 0;
  readonly active: Map<string, ActivePackage> = new Map();
  /** What packages transferred that are no longer under way. */
  #transferred: Transfer = { bytes: 0, done: "" };
  #transferSince: number | undefined;

  apply(event: SpkociEvent, now: number): void {
    switch (event.type) {
      case "step":
        this.step = event.message;
        this.stepProgress = undefined;
        break;
      case "progress":
        this.stepProgress = event;
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

  /** What was transferred so far. */
  get transferred(): Transfer {
    return [...this.active.values()].map(transferOf).reduce(add, this.#transferred);
  }

  /** Ms since the first byte was transferred. */
  transferTime(now: number): number {
    return this.#transferSince === undefined ? 0 : now - this.#transferSince;
  }

  /** What was transferred for a package under way. */
  transferredFor(hash: string): Transfer | undefined {
    const active = this.active.get(hash);
    return active && transferOf(active);
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
    if (transferOf(active)) this.#transferSince ??= now;
  }

  #end(hash: string): void {
    this.#transferred = add(this.#transferred, this.transferredFor(hash));
    this.active.delete(hash);
  }
}

function activePackage(event: { readonly package: string; readonly hash: string }, now: number): ActivePackage {
  const label = packageLabel(event.package, event.hash);
  return { label, stage: undefined, bytes: 0, total: undefined, since: now };
}

function transferOf({ stage, bytes }: ActivePackage): Transfer | undefined {
  const done = stage && STAGES[stage].done;
  return done === undefined ? undefined : { bytes, done };
}

/** A run transfers in one direction only. */
function add(sum: Transfer, more: Transfer | undefined): Transfer {
  return more === undefined ? sum : { bytes: sum.bytes + more.bytes, done: more.done };
}

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
  const { planned, done, failed, transferred } = progress;
  if (planned === undefined && done === 0 && progress.active.size === 0) return formatStep(progress);
  const parts = [planned === undefined ? `${done} packages` : `${bar(done, planned)} ${done}/${planned} packages`];
  if (transferred.bytes > 0) {
    const { bytes } = transferred;
    parts.push(`${formatSize(bytes)} ${transferred.done}`, formatRate(bytes, progress.transferTime(now)));
  }
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.filter((part) => part !== "").join("  ");
}

function formatStep({ step, stepProgress }: Progress): string {
  if (stepProgress === undefined) return step;
  const { done, total, unit } = stepProgress;
  const count = (value: number): string => (unit === "bytes" ? formatSize(value) : String(value));
  const name = unit === "bytes" ? "" : ` ${unit}`;
  return total === undefined
    ? `${step}  ${count(done)}${name}`
    : `${step}  ${bar(done, total)} ${count(done)}/${count(total)}${name}`;
}

function formatActive(active: ActivePackage, now: number, labelWidth: number): string {
  const label = fit(active.label, labelWidth);
  if (active.stage === undefined) return `  ${label}`;
  const { bytes, total } = active;
  const { doing, done } = STAGES[active.stage];
  if (done !== undefined && bytes === total) {
    return `  ${label}  ${done.padEnd(doing.length)}  ${formatSize(bytes)}`;
  }
  const sizes = total === undefined ? formatSize(bytes) : `${formatSize(bytes)} of ${formatSize(total)}`;
  const gauge = total === undefined ? "" : bar(bytes, total);
  const rate = formatRate(bytes, now - active.since);
  return `  ${label}  ${doing}  ${gauge}  ${sizes}  ${rate}`.trimEnd();
}

function bar(value: number, total: number): string {
  const filled = total > 0 ? Math.min(BAR_WIDTH, Math.floor((value / total) * BAR_WIDTH)) : BAR_WIDTH;
  return `[${"=".repeat(filled)}${" ".repeat(BAR_WIDTH - filled)}]`;
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}~` : text.padEnd(width);
}
