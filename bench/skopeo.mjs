import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { quote } from "./shell.mjs";

const COPY = "skopeo copy --quiet --insecure-policy --src-tls-verify=false --dest-tls-verify=false";

export function copyCommand(from, to) {
  return `${COPY} ${quote(from)} ${quote(to)}`;
}

/**
 * Makes the tarballs of `tarEach` in `folder` the layers of one image, in an OCI layout: moves them there and writes config and manifest.
 * diff_ids are those of the compressed tarballs: skopeo does not look at them. Resolves to what skopeo calls the image.
 */
export async function makeLayout(folder) {
  const layout = join(folder, "layout");
  const blobs = join(layout, "blobs/sha256");
  await mkdir(blobs, { recursive: true });
  const layers = [];
  for (const name of (await readdir(folder)).filter((entry) => entry.endsWith(".tar"))) {
    const { size } = await stat(join(folder, name));
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(folder, name)), hash);
    const hex = hash.digest("hex");
    await rename(join(folder, name), join(blobs, hex));
    layers.push({ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: `sha256:${hex}`, size });
  }
  const putJson = async (mediaType, value) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const hex = createHash("sha256").update(bytes).digest("hex");
    await writeFile(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const config = await putJson("application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await putJson(mediaType, { schemaVersion: 2, mediaType, config, layers });
  const annotations = { "org.opencontainers.image.ref.name": "all" };
  await writeFile(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  await writeFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  return `oci:${layout}:all`;
}
