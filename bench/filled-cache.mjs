import { layersOf, startRegistry } from "./registry.mjs";
import { pushWords, runSpkoci } from "./spkoci.mjs";

/**
 * A registry with everything of a store, pushed by spkoci, `image` being one over all packages: its addresses, `layers`, the largest
 * first, and the sum of their sizes, `bytes`.
 */
export async function fillCache(session, input, more = "") {
  console.error(`filling a registry ${more}`);
  const registry = await startRegistry(session);
  await runSpkoci(session, pushWords(input, registry.source, `--tag all ${more}`));
  const layers = await layersOf(registry);
  return {
    ...registry,
    image: `${registry.skopeo}:all`,
    layers,
    bytes: layers.reduce((sum, { size }) => sum + size, 0),
  };
}
