import { hexOf } from "@spkoci/core";
import type { TestImage } from "./images.js";
import type { RawEntry } from "./raw-tar.js";

/** The entries of an archive with an image under the tag v1: oci-layout, index.json, and its blobs. */
export function archiveParts(
  { manifest, blobs }: TestImage,
  change: (name: string) => Partial<RawEntry> = () => ({}),
  prefix = "",
): RawEntry[] {
  const entry = { ...manifest.descriptor, annotations: { "org.opencontainers.image.ref.name": "v1" } };
  const all = [...blobs.map(({ bytes, descriptor }) => ({ bytes, descriptor })), manifest];
  const files: [string, string | Buffer][] = [
    ["oci-layout", '{"imageLayoutVersion":"1.0.0"}'],
    ["index.json", JSON.stringify({ schemaVersion: 2, manifests: [entry] })],
    ...all.map(({ bytes, descriptor }): [string, Buffer] => [
      `blobs/sha256/${hexOf(descriptor.digest)}`,
      Buffer.from(bytes),
    ]),
  ];
  return files.map(([name, content]) => ({ name: prefix + name, content, ...change(name) }));
}
