import { stat } from "node:fs/promises";
import { join } from "node:path";
import { tarEach } from "./input.mjs";
import { startRegistry } from "./registry.mjs";
import { copyCommand, makeLayout } from "./skopeo.mjs";

export const PIGZ = "tar | pigz -6";
export const PIGZ_AND_SKOPEO = "tar | pigz -6, then skopeo copy";

/** tar with each compressor: a tarball of each package, one after the other. */
export function archivers(input) {
  return ["gzip -6", "pigz -6", "zstd -T0"].map((compressor) => ({
    label: `tar | ${compressor}`,
    needs: [compressor.split(" ")[0]],
    async run({ folder, time }) {
      await time(tarEach(input, `${compressor} -c`, folder));
      return { bytes: await tarballBytes(input, folder) };
    },
  }));
}

/**
 * What pushes the same files without spkoci: pigz makes the tarballs, skopeo copies the image that they are the layers of. What joins the
 * two, an OCI layout around the tarballs, is not measured. `reach` resolves to the way to a registry that the contender takes (see layLine).
 */
export function pigzAndSkopeo(session, input, reach = directly) {
  return {
    label: PIGZ_AND_SKOPEO,
    needs: ["pigz", "skopeo"],
    async run({ folder, time }) {
      const registry = await startRegistry(session);
      const way = await reach(registry);
      await time(tarEach(input, "pigz -6 -c", folder));
      const bytes = await tarballBytes(input, folder);
      await time(copyCommand(await makeLayout(folder), `${way.skopeo}:all`));
      await way.close();
      await registry.close();
      return { bytes };
    },
  };
}

/** The registry itself. */
export async function directly(registry) {
  return { ...registry, close: async () => {} };
}

async function tarballBytes({ packages }, folder) {
  const sizes = await Promise.all(packages.map((_, index) => stat(join(folder, `${index + 1}.tar`))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
