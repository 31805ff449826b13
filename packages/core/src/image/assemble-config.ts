import { hexOf } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { JsonValue } from "../base/json.js";
import type { ExecutionConfig, HistoryEntry, ImageConfig } from "../oci/image-config.js";
import type { Compression, Family } from "../oci/media-type.js";
import { OCI_LAYER_ZSTD } from "../oci/media-type.js";
import { CONFIG_MARK } from "./annotations.js";
import type { EmbeddedSpec, ImagePlan } from "./image-plan.js";
import { applyModifications } from "./run-environment.js";
import type { ImageSettings } from "./settings.js";

type Members = { [key: string]: JsonValue | undefined };

/** Top-level members that say something about another package or another image's layers. */
const NOT_INHERITED: ReadonlySet<string> = new Set([
  "created",
  "history",
  "spec",
  "buildcache_layout_version",
  "binary_cache_checksum",
  "archive_size",
  "archive_timestamp",
  "archive_compression",
  CONFIG_MARK,
]);

/**
 * The config's members in their order (image-spec, config.md, and the format page, section 3): what the base says,
 * the layers, and for a package what Spack's installer reads. Unknown members of the base are kept.
 */
export function assembleConfig(plan: ImagePlan, family: Family): Members {
  const base = plan.base?.config;
  const created = createdOf(plan);
  const { os, architecture, variant } = plan.platform;
  const platform = base ? {} : { architecture, os, ...(variant ? { variant } : {}) };
  return {
    ...platform,
    ...inherited(base),
    ...(created === undefined ? {} : { created }),
    rootfs: {
      type: "layers",
      diff_ids: [...(base?.rootfs.diff_ids ?? []), ...plan.layers.map(({ diffId }) => diffId)],
    },
    config: execution(plan),
    history: history(plan, created),
    ...(plan.spec ? packageMembers(plan, plan.spec) : {}),
    ...(family === "docker" ? { [CONFIG_MARK]: mark(plan) } : {}),
  };
}

function inherited(base: ImageConfig | undefined): Members {
  const members = Object.entries(base ?? {}).filter(([name]) => !NOT_INHERITED.has(name));
  // What JSON.parse returned is JSON.
  return Object.fromEntries(members) as Members;
}

function execution(plan: ImagePlan): Members {
  const base: ExecutionConfig = plan.base?.config.config ?? {};
  const { settings = {} } = plan;
  const { Entrypoint, Cmd, Labels, ...rest } = base;
  const start = startOf(base, settings, plan.base !== undefined);
  const labels = { ...Labels, ...sorted(settings.labels ?? {}) };
  return {
    ...(rest as Members),
    Env: applyModifications(base.Env ?? [], plan.environment, settings.env),
    ...(settings.user === undefined ? {} : { User: settings.user }),
    ...(settings.workdir === undefined ? {} : { WorkingDir: settings.workdir }),
    ...start,
    ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
  };
}

/**
 * What runs: the user's words, else the base's, else a shell if there is a base. A new entrypoint drops the base's
 * command, as Docker does.
 */
function startOf(base: ExecutionConfig, settings: ImageSettings, hasBase: boolean): Members {
  const entrypoint = settings.entrypoint ?? base.Entrypoint ?? [];
  const inheritedCmd = settings.entrypoint === undefined ? (base.Cmd ?? []) : [];
  let cmd = settings.cmd ?? inheritedCmd;
  if (hasBase && settings.cmd === undefined && entrypoint.length === 0 && cmd.length === 0) cmd = ["/bin/sh"];
  return {
    ...(entrypoint.length === 0 ? {} : { Entrypoint: entrypoint }),
    ...(cmd.length === 0 ? {} : { Cmd: cmd }),
  };
}

/** One entry a layer if the base's history covers all its layers, else none: a history with gaps is invalid. */
function history(plan: ImagePlan, created: string | undefined): JsonValue | undefined {
  const base: readonly HistoryEntry[] = plan.base?.config.history ?? [];
  const covered = base.filter((entry) => entry.empty_layer !== true).length;
  if (covered !== (plan.base?.manifest.layers.length ?? 0)) return undefined;
  const ours = plan.layers.map(({ title }) => ({ created, created_by: `spkoci push ${title}` }));
  return [...(base as readonly Members[]), ...ours];
}

/**
 * What Spack's installer reads. Spack 0.22, which wrote spec files up to version 4, refuses a layout newer than 1.
 */
function packageMembers(plan: ImagePlan, spec: EmbeddedSpec): Members {
  const own = plan.layers.at(-1);
  if (!own) throw new SpkociError("INTERNAL", "a package's image needs the package's own layer");
  const compression: Compression = own.descriptor.mediaType === OCI_LAYER_ZSTD ? "zstd" : "gzip";
  const common = {
    spec: spec.json,
    buildcache_layout_version: spec.version >= 5 ? 3 : 1,
    binary_cache_checksum: { hash_algorithm: "sha256", hash: hexOf(own.descriptor.digest) },
  };
  if (spec.version < 5) return common;
  return {
    ...common,
    archive_size: own.descriptor.size,
    archive_timestamp: timeOf(plan.sourceDateEpoch ?? 0, "+00:00"),
    archive_compression: compression,
  };
}

function mark(plan: ImagePlan): Members {
  return { runEnv: plan.runEnv, layers: plan.layers.map(({ dagHash }) => dagHash) };
}

/** The image's time as RFC 3339 writes it, if it has one. */
export function createdOf(plan: ImagePlan): string | undefined {
  return plan.sourceDateEpoch === undefined ? undefined : timeOf(plan.sourceDateEpoch, "Z");
}

function timeOf(epoch: number, zone: "Z" | "+00:00"): string {
  const time = new Date(epoch * 1000);
  if (Number.isNaN(time.getTime())) throw new SpkociError("INVALID_ARGUMENT", `not a time in seconds: ${epoch}`);
  return time.toISOString().replace(/\.\d+Z$/, zone);
}

function sorted(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
