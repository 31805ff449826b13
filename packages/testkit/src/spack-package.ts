import {
  blobOf,
  computeDagHash,
  type Document,
  digestOf,
  documentOf,
  jsonDocument,
  OCI_CONFIG,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  packageTag,
  type Store,
} from "@spkoci/core";

/** A package that nobody built: a node with its DAG hash, and the image of it that a cache would have. */
export interface TestPackage {
  readonly name: string;
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
  readonly tag: string;
  /** Compact JSON of its own node and of those of everything it depends on, its own first. */
  readonly nodes: readonly string[];
  readonly config: Document;
  /** All layers of the image, its own last. */
  readonly layers: readonly Document[];
  /** Its own. */
  readonly layer: Document;
  readonly manifest: Document;
}

export interface TestPackageOptions {
  /** 1.0 unless told. */
  readonly version?: string;
  /** `x86_64_v3` unless told. */
  readonly target?: string;
  /** Version of spec file: 5 unless told; 4 is that of Spack 0.22, which names compilers in the node. */
  readonly specfile?: 4 | 5;
  /** What it is linked with. */
  readonly dependencies?: readonly TestPackage[];
  /** What it needs only to be built. */
  readonly buildDependencies?: readonly TestPackage[];
  /** The config's `archive_timestamp`; none unless told. */
  readonly archivedAt?: string;
  /** The layers of what it is linked with come before its own, as in a real image. Its own is the only one unless told. */
  readonly withLayers?: boolean;
  /** A member of the image's config that changes its digest and nothing else. */
  readonly comment?: string;
}

/** A package's spec and image. The layer is a few bytes that are no tarball. Same arguments, same bytes. */
export function buildPackage(name: string, options: TestPackageOptions = {}): TestPackage {
  const { version = "1.0", target = "x86_64_v3", specfile = 5, dependencies = [], buildDependencies = [] } = options;
  const all = [...dependencies, ...buildDependencies];
  const edges = all.map((one) => ({
    name: one.name,
    hash: one.hash,
    parameters: { deptypes: dependencies.includes(one) ? ["build", "link"] : ["build"], virtuals: [] },
  }));
  const node = {
    name,
    version,
    arch: { platform: "linux", platform_os: "debian12", target },
    ...(specfile === 4 ? { compiler: { name: "gcc", version: "12.2.0" } } : {}),
    namespace: "testkit",
    parameters: { build_system: "generic", cflags: [] },
    package_hash: "testkit",
    ...(edges.length > 0 ? { dependencies: edges } : {}),
    ...(specfile === 5 ? { annotations: { original_specfile_version: 5 } } : {}),
  };
  const hash = computeDagHash({ text: JSON.stringify(node) });
  const nodes = [...new Set([JSON.stringify({ ...node, hash }), ...all.flatMap((one) => one.nodes)])];
  return { name, version, hash, tag: packageTag({ name, version, hash }), nodes, ...imageOf(nodes, hash, options) };
}

function imageOf(
  nodes: readonly string[],
  hash: string,
  { comment, archivedAt, dependencies = [], withLayers = false, specfile = 5 }: TestPackageOptions,
): Pick<TestPackage, "config" | "layers" | "layer" | "manifest"> {
  const layer = documentOf(OCI_LAYER_GZIP, Buffer.from(`layer of ${hash}`));
  const below = withLayers ? dependencies.flatMap((one) => one.layers) : [];
  const layers = [...new Map([...below, layer].map((one) => [one.descriptor.digest, one])).values()];
  const described = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: layers.map((one) => digestOf(`tar of ${one.descriptor.digest}`)) },
    config: {},
    buildcache_layout_version: specfile === 5 ? 3 : 1,
    archive_timestamp: archivedAt,
    comment,
  });
  const spec = `{"_meta":{"version":${specfile}},"nodes":[${nodes.join(",")}]}`;
  const config = documentOf(OCI_CONFIG, Buffer.from(`${described.slice(0, -1)},"spec":${spec}}`));
  const link = ({ descriptor: { mediaType, digest, size } }: Document) => ({ mediaType, digest, size });
  const manifest = jsonDocument(OCI_MANIFEST, {
    mediaType: OCI_MANIFEST,
    schemaVersion: 2,
    config: link(config),
    layers: layers.map(link),
  });
  return { config, layers, layer, manifest };
}

/** Puts the package's image, and its tag last, as a push does before it turns to the index. */
export async function putPackage(store: Store, { config, layers, manifest, tag }: TestPackage): Promise<void> {
  for (const layer of layers) await store.put(blobOf(layer));
  await store.put(blobOf(config));
  await store.write(manifest, { tag });
}
