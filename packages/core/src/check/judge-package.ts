import { hexOf } from "../base/digest.js";
import type { CachedSpec } from "../catalog/cached-spec.js";
import { LAYER_DAG_HASH, LAYER_DIFF_ID } from "../image/annotations.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { ImageConfig } from "../oci/image-config.js";
import type { Manifest } from "../oci/manifest.js";
import { goArchitecture } from "../oci/platform.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { packageTag } from "../spack/tag.js";
import { dependenciesFirst, edgesOfKind } from "../spack/traverse.js";
import type { Report } from "./findings.js";
import { enumerate, quote } from "./quote.js";

/** Checks that a tag is the package's whose spec the config holds. */
export function judgeTag(tag: string, root: ConcreteSpec, report: Report): void {
  const wanted = packageTag(root);
  if (tag !== wanted) report("TAG_WRONG", `it holds ${labelOf(root)}/${root.hash}, whose tag is ${wanted}`);
}

/** Checks that the image's architecture is the package's. What Spack says of the system is no help: it is always Linux. */
export function judgeArchitecture({ architecture }: ImageConfig, root: ConcreteSpec, report: Report): void {
  const wanted = goArchitecture(root.arch.family);
  if (architecture === "" || architecture === wanted || root.arch.target === "unknown") return;
  report("IMAGE_UNRUNNABLE", `its config says ${quote(architecture)}, but the package is for ${wanted}`);
}

/** Checks what the config says of the package's layer, as Spack's installer does (format page, section 3). */
export function judgeArchiveClaims(layer: Descriptor, config: Readonly<Record<string, unknown>>, report: Report): void {
  const wrong = (what: string, claimed: unknown, actual: string | number): void => {
    const said = claimed === undefined ? "missing" : quote(String(claimed));
    report("ARCHIVE_CLAIM_WRONG", `${what} is ${said}, but the layer's is ${actual}`, { digest: layer.digest });
  };
  const checksum = config.binary_cache_checksum as Partial<Record<"hash" | "hash_algorithm", unknown>> | undefined;
  if (checksum?.hash_algorithm !== "sha256" || checksum.hash !== hexOf(layer.digest)) {
    wrong("binary_cache_checksum", checksum?.hash, hexOf(layer.digest));
  }
  const { archive_size: size, archive_compression: compression } = config;
  if (size !== undefined && size !== layer.size) wrong("archive_size", size, layer.size);
  const actual = /[+.](gzip|zstd)$/.exec(layer.mediaType)?.[1];
  if (compression !== undefined && actual !== undefined && compression !== actual) {
    wrong("archive_compression", compression, actual);
  }
}

/** Checks spkoci's annotations of the layers against the config and the spec. */
export function judgeAnnotations({ layers }: Manifest, config: ImageConfig, spec: CachedSpec, report: Report): void {
  for (const [at, { annotations = {}, digest }] of layers.entries()) {
    const { [LAYER_DIFF_ID]: diffId, [LAYER_DAG_HASH]: hash } = annotations;
    const named = config.rootfs.diff_ids[at];
    if (diffId !== undefined && diffId !== named) {
      report("ANNOTATION_WRONG", `a layer's diff-id is ${quote(diffId)}, but the config has ${named}`, { digest });
    }
    const isOwn = at === layers.length - 1;
    if (hash !== undefined && (isOwn ? hash !== spec.root.hash : !spec.nodes.has(hash))) {
      report("ANNOTATION_WRONG", `a layer is said to be of /${quote(hash)}, which it can't be`, { digest });
    }
  }
}

/** What an image consists of: the package and what it needs to run, without external packages. */
function runtimeClosure({ root, nodes }: Pick<CachedSpec, "root" | "nodes">): readonly ConcreteSpec[] {
  // The spec was checked to have all nodes that its edges name.
  const resolve = (hash: string, parent: ConcreteSpec): ConcreteSpec => nodes.get(hash) ?? parent;
  return dependenciesFirst([root], resolve, edgesOfKind("link", "run")).filter(
    ({ external }) => external === undefined,
  );
}

/** Checks that the cache has what a package needs to run, and its image the layers of that. */
export function judgeDependencies(
  spec: CachedSpec,
  { layers }: Manifest,
  hasTag: (tag: string) => boolean,
  report: Report,
): void {
  const closure = runtimeClosure(spec);
  const nameOf = (one: ConcreteSpec): string => `${labelOf(one)}/${one.hash}`;
  const missing = closure.filter((one) => one !== spec.root && !hasTag(packageTag(one)));
  if (missing.length > 0) {
    report("DEPENDENCY_MISSING", `the cache doesn't have ${missing.map(nameOf).join(", ")}`);
  }
  const annotated = new Set(layers.map(({ annotations }) => annotations?.[LAYER_DAG_HASH]));
  const isAnnotated = annotated.has(spec.root.hash);
  const absent = closure.filter((one) => !annotated.has(one.hash) && !missing.includes(one));
  if (isAnnotated && absent.length > 0) {
    report("IMAGE_INCOMPLETE", `it lacks the layers of ${enumerate(absent.map(nameOf))}`);
  } else if (!isAnnotated && layers.length < closure.length - missing.length) {
    report("IMAGE_INCOMPLETE", `it has ${layers.length} layers, but consists of ${closure.length} packages`);
  }
}
