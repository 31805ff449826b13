import { join } from "node:path";
import { quote } from "./shell.mjs";
import { copyCommand } from "./skopeo.mjs";

export const CURL = "curl | tar xz, two at a time";

/** What fetches and unpacks the layers of `cache` without spkoci, the largest first; nothing is verified or relocated. */
export function curlAndTar(cache) {
  return {
    label: CURL,
    needs: ["curl"],
    run: ({ time }) => time(fetchAndUnpack(cache, "tar xz")),
  };
}

export function curlAndTarZstd(cache, unless) {
  return {
    label: "curl | tar x --zstd, two at a time",
    needs: ["curl", "zstd"],
    unless,
    run: ({ time }) => time(fetchAndUnpack(cache, "tar x --zstd")),
  };
}

function fetchAndUnpack({ api, layers }, unpack) {
  const digests = layers.map(({ digest }) => digest).join(" ");
  const one = `curl -sSf ${api}/blobs/{} | ${unpack} -C root`;
  return `mkdir root; printf '%s\\n' ${digests} | xargs -P 2 -I {} bash -o pipefail -c ${quote(one)}`;
}

/** What verifies and unpacks the same layers from a layout folder; the copy there is not measured. */
export function umoci(session, cache) {
  let layout;
  return {
    label: "umoci unpack, from a folder",
    needs: ["umoci", "skopeo"],
    async run({ time }) {
      layout ??= await copyToLayout(session, cache);
      await time(`umoci unpack --image ${quote(layout)} bundle`);
    },
  };
}

async function copyToLayout(session, { image }) {
  const layout = `${join(await session.newFolder({ isKept: true }), "layout")}:all`;
  const { code, stderr } = await session.run("bash", ["-c", copyCommand(image, `oci:${layout}`)]);
  if (code !== 0) throw new Error(`skopeo copy: ${stderr}`);
  return layout;
}

/** What fetches and verifies the same layers and unpacks nothing. */
export function skopeoToFolder(cache) {
  return {
    label: "skopeo copy to a folder",
    needs: ["skopeo"],
    run: ({ time }) => time(copyCommand(cache.image, "dir:image")),
  };
}

/** Unpacks the layers that lie on the disk already. */
export function tarFromDisk(session, cache, label) {
  let folder;
  return {
    label,
    needs: ["curl"],
    async run({ time }) {
      folder ??= await fetchLayers(session, cache);
      const one = `tar xz -C root -f ${quote(folder)}/{}`;
      const digests = cache.layers.map(({ digest }) => digest).join(" ");
      await time(`mkdir root; printf '%s\\n' ${digests} | xargs -P 2 -I {} ${one}`);
    },
  };
}

async function fetchLayers(session, { api, layers }) {
  const folder = await session.newFolder({ isKept: true });
  for (const { digest } of layers) {
    const { code, stderr } = await session.run("curl", ["-sSf", "-o", join(folder, digest), `${api}/blobs/${digest}`]);
    if (code !== 0) throw new Error(`curl: ${stderr}`);
  }
  return folder;
}
