import { adaptiveCalls } from "../base/adaptive-calls.js";
import { mapConcurrently } from "../base/concurrency.js";
import { SpkociError } from "../base/errors.js";
import type { FileCalls } from "../base/file-calls.js";
import type { Op } from "../base/op.js";
import type { ImageLayer } from "../image/image-layer.js";
import { compressionSettings } from "../layer/compression.js";
import { type PrefixEntries, readEntries } from "../layer/entries.js";
import { LayerMemory, type LayerSubject, type RememberedLayer } from "../layer/layer-memory.js";
import type { SpooledLayer } from "../layer/make-layer.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { InstallRecord } from "../spack/install-store.js";
import { jobsOf, type PushContext } from "./context.js";

/** What listing prefixes has told. */
export interface PrefixSurvey {
  /** Layers that the target has although it has no image of their package, by DAG hash. */
  readonly layers: ReadonlyMap<string, ImageLayer>;
  /** Packages whose prefix can't be listed, by DAG hash. */
  readonly problems: ReadonlyMap<string, SpkociError>;
}

/** Entries of listings that are kept from the survey until their layer is made, in all; about 8 MB. Other prefixes are listed again. */
const KEPT_ENTRIES = 16_000;

/** The prefixes of a push: what they hold, and what their layers were when they were made the last time. */
export class PushPrefixes {
  readonly #context: PushContext;
  readonly #memory: LayerMemory;
  /** Nothing else is done while prefixes are listed. */
  readonly #calls: FileCalls = adaptiveCalls();
  readonly #sizes = new Map<string, number>();
  readonly #listings = new Map<string, PrefixEntries>();
  #kept = 0;

  constructor(context: PushContext) {
    this.#context = context;
    this.#memory = new LayerMemory(context.options.cacheDir);
  }

  /**
   * Lists the prefixes of packages of which the target has no image, and asks it for the layers that these had when they were made
   * last, where the prefixes have not changed since. With `force` and `verifyCache` nothing remembered is used.
   */
  async survey(records: readonly InstallRecord[], op: Op): Promise<PrefixSurvey> {
    const layers = new Map<string, ImageLayer>();
    const problems = new Map<string, SpkociError>();
    await mapConcurrently(
      records,
      jobsOf(this.#context.options),
      async (record, signal) => {
        try {
          const layer = await this.#look(record, { ...op, signal });
          if (layer) layers.set(record.spec.hash, layer);
        } catch (error) {
          if (!(error instanceof SpkociError) || !UNLISTED.has(error.code)) throw error;
          problems.set(record.spec.hash, error);
        }
      },
      op.signal,
    );
    return { layers, problems };
  }

  /** Bytes of the files of a prefix that was listed, else 0. */
  sizeOf({ spec }: InstallRecord): number {
    return this.#sizes.get(spec.hash) ?? 0;
  }

  /** The listing of a prefix, if it was kept. It is given once. */
  takeListing({ spec }: InstallRecord): PrefixEntries | undefined {
    const listed = this.#listings.get(spec.hash);
    this.#listings.delete(spec.hash);
    this.#kept -= listed?.entries.length ?? 0;
    return listed;
  }

  /** Remembers the layer that was made of a prefix. With `verifyCache`, warns where something else was remembered of it. */
  async remember(
    record: InstallRecord,
    layer: RememberedLayer & Pick<SpooledLayer, "fingerprint">,
    op: Op,
  ): Promise<void> {
    const { descriptor, diffId, pathOffsets, fingerprint } = layer;
    const subject = await this.#subjectOf(record);
    if (this.#context.options.verifyCache) {
      const before = await this.#memory.recall(subject, fingerprint);
      if (before && !isSame(before, { descriptor, diffId })) warnOfWrong(record, op);
    }
    // Without it the prefix is read again, and nothing else.
    await this.#memory.remember(subject, fingerprint, { descriptor, diffId, pathOffsets }).catch(() => {});
  }

  async #look(record: InstallRecord, op: Op): Promise<ImageLayer | undefined> {
    const { target, options } = this.#context;
    const listed = await readEntries(record, op, this.#calls);
    this.#sizes.set(record.spec.hash, listed.totalSize);
    this.#keep(record, listed);
    if (options.force || options.verifyCache) return undefined;
    const known = await this.#memory.recall(await this.#subjectOf(record), listed.fingerprint);
    if (known === undefined || !(await target.has(known.descriptor, op))) return undefined;
    this.takeListing(record);
    return { ...known, dagHash: record.spec.hash, title: labelOf(record.spec) };
  }

  #keep(record: InstallRecord, listed: PrefixEntries): void {
    const { length } = listed.entries;
    if (this.#kept + length > KEPT_ENTRIES) return;
    this.#kept += length;
    this.#listings.set(record.spec.hash, listed);
  }

  async #subjectOf(record: InstallRecord): Promise<LayerSubject> {
    const { options, store } = this.#context;
    // With its YAML, it is loaded once a layer may have to be made.
    const { buildInfoOf, formatBuildInfo } = await import("../spack/build-info.js");
    return {
      prefix: record.prefix,
      path: record.path,
      settings: compressionSettings(options.compression ?? "gzip", options.compressionLevel),
      buildInfo: formatBuildInfo(buildInfoOf(store, record, { binaries: [], textFiles: [], links: [] })),
    };
  }
}

/** Errors that are about one prefix. */
const UNLISTED: ReadonlySet<string> = new Set([
  "PREFIX_MISSING",
  "PREFIX_INVALID",
  "FILE_UNREADABLE",
  "FILE_CHANGED",
  "DATABASE_INVALID",
]);

function isSame(a: RememberedLayer, b: RememberedLayer): boolean {
  return (
    a.diffId === b.diffId && a.descriptor.digest === b.descriptor.digest && a.descriptor.size === b.descriptor.size
  );
}

function warnOfWrong(record: InstallRecord, op: Op): void {
  op.emit?.({
    type: "warning",
    message: `what was remembered of the layer of ${labelOf(record.spec)} was wrong`,
    hint: "It is right now. Files changed without their times, or the remembered digests are damaged: check the disk.",
  });
}
