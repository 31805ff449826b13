import { isPackageTag } from "@spkoci/core";
import { startDockerRegistry } from "@spkoci/testkit";

const REPOSITORY = "bench/cache";
const IMAGES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/** A docker-registry with nothing in it, whose folder stays until the session ends. `source` is what spkoci calls its one repository. */
export async function startRegistry(session) {
  const registry = await startDockerRegistry({ folder: await session.newFolder() });
  const forget = session.track(registry.close);
  const close = async () => {
    forget();
    await registry.close();
  };
  return { host: registry.host, ...addressesOf(registry.host), close };
}

/** The one repository at a host: as spkoci, skopeo, and core's openRegistry name it, and the address of its API. */
export function addressesOf(host) {
  return {
    place: { registry: host, repository: REPOSITORY },
    source: `oci+http://${host}/${REPOSITORY}`,
    skopeo: `docker://${host}/${REPOSITORY}`,
    api: `http://${host}/v2/${REPOSITORY}`,
  };
}

/** The layers of all packages in the registry, each once, the largest first. */
export async function layersOf({ api }) {
  const { tags } = await getJson(`${api}/tags/list?n=1000`);
  const all = new Map();
  for (const tag of tags.filter(isPackageTag)) {
    const { layers } = await getJson(`${api}/manifests/${tag}`);
    for (const layer of layers) all.set(layer.digest, layer);
  }
  return [...all.values()].sort((a, b) => b.size - a.size);
}

/** The sum of their sizes. */
export async function layerBytesOf(registry) {
  return (await layersOf(registry)).reduce((sum, { size }) => sum + size, 0);
}

async function getJson(url) {
  const response = await fetch(url, { headers: { accept: IMAGES.join(", ") } });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}
