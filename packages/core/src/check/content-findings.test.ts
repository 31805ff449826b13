import {
  about,
  CheckScene,
  describeFindings,
  SMALL_HASHES as HASHES,
  type RawEntry,
  rawTar,
  says,
  SMALL_TAGS as TAGS,
} from "@spkoci/testkit";
import { expect, vi } from "vitest";

vi.mock("node:zlib", async (original) => ({
  ...(await original<typeof import("node:zlib")>()),
  createZstdDecompress: undefined,
  zstdCompress: undefined,
}));

const scene = new CheckScene();

const ROOT = "/opt/spack/opt/spack";

/** The build info of libgreet, as Spack would write it, with changes. */
function libgreetTar(changes: Readonly<Record<string, unknown>> = {}, ...more: readonly RawEntry[]): Buffer {
  const relative = `linux-x86_64_v3/libgreet-1.0-${HASHES.libgreet}`;
  const info = {
    buildpath: ROOT,
    relative_prefix: relative,
    hash_to_prefix: {
      [HASHES.libgreet]: `${ROOT}/${relative}`,
      [HASHES["gcc-runtime"]]: `${ROOT}/linux-x86_64_v3/gcc-runtime-12.2.0-${HASHES["gcc-runtime"]}`,
    },
    relocate_binaries: [],
    relocate_links: [],
    relocate_textfiles: [],
    ...changes,
  };
  const prefix = `${ROOT}/${relative}`.slice(1);
  const at = (path: string): Pick<RawEntry, "name" | "pax"> => ({ name: "x", pax: { path: `${prefix}/${path}` } });
  const inPrefix = more.map((entry) => ({ ...entry, ...at(String(entry.name)) }));
  const text = changes.text === undefined ? JSON.stringify(info) : String(changes.text);
  return rawTar(...inPrefix, { ...at(".spack/binary_distribution"), content: text });
}

describeFindings(
  scene,
  ["blobs", "contents"],
  [
    {
      code: "BLOB_MISSING",
      what: "a layer that five images need",
      damage: async () =>
        scene.cache.removeBlob((await scene.cache.readManifest(TAGS["gcc-runtime"])).layers[0].digest),
      finding: { ...about("gcc-runtime"), images: 5, digest: expect.stringMatching(/^sha256:22c3f6/) },
    },
    {
      code: "BLOB_DAMAGED",
      what: "a layer that is cut off",
      damage: async () =>
        scene.cache.shortenBlob((await scene.cache.readManifest(TAGS["greet-plugin"])).layers[3].digest),
      finding: { ...about("greet-plugin"), ...says(/should have 6908 bytes but has 20/) },
    },
    {
      code: "DIFF_ID_WRONG",
      what: "a config with the diffId of another layer",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.rootfs.diff_ids[0] = config.rootfs.diff_ids[1];
        }),
      finding: { ...about("greeter"), ...says(/its config says sha256:\w+, but the tar has/) },
    },
    {
      code: "ARCHIVE_REFUSED",
      what: "a tar that would write outside of its folder",
      damage: () => scene.cache.replaceLayer(TAGS["greet-plugin"], rawTar({ name: "../../etc/passwd" })),
      finding: { ...about("greet-plugin"), ...says(/leads out of its folder/) },
    },
    {
      code: "BUILD_INFO_UNREADABLE",
      what: "build info that is no YAML",
      damage: () => scene.cache.replaceLayer(TAGS.libgreet, libgreetTar({ text: "[" })),
      finding: { ...about("libgreet"), ...says(/not valid YAML/) },
    },
    {
      code: "BUILD_INFO_UNREADABLE",
      what: "build info that is a hard link",
      damage: () => {
        const target = libgreetTar();
        const name = target.toString("latin1").match(/opt\/spack\S+\.spack\/binary_distribution/)?.[0] ?? "";
        const file = name.replace(".spack/binary_distribution", "info");
        return scene.cache.replaceLayer(
          TAGS.libgreet,
          rawTar(
            { name: "x", pax: { path: file }, content: "{}" },
            { name: "x", type: "1", pax: { path: name, linkpath: file } },
          ),
        );
      },
      finding: { ...about("libgreet"), ...says(/hard link/) },
    },
    {
      code: "BUILD_INFO_WRONG",
      what: "build info with another root",
      damage: () => scene.cache.replaceLayer(TAGS.libgreet, libgreetTar({ buildpath: "/elsewhere" })),
      finding: { ...about("libgreet"), ...says(/buildpath and relative_prefix say "\/elsewhere/) },
      others: ["BUILD_INFO_WRONG"],
    },
    {
      code: "BUILD_INFO_WRONG",
      what: "build info that names no dependencies",
      damage: () =>
        scene.cache.replaceLayer(
          TAGS.libgreet,
          libgreetTar({
            hash_to_prefix: { [HASHES.libgreet]: `${ROOT}/linux-x86_64_v3/libgreet-1.0-${HASHES.libgreet}` },
          }),
        ),
      finding: { ...about("libgreet"), ...says(/hash_to_prefix lacks gcc-runtime@12\.2\.0/) },
    },
    {
      code: "BUILD_INFO_WRONG",
      what: "a list of files that are not there",
      damage: () =>
        scene.cache.replaceLayer(
          TAGS.libgreet,
          libgreetTar({ relocate_binaries: ["bin/a", "bin/b"] }, { name: "bin/a" }),
        ),
      finding: { ...about("libgreet"), ...says(/relocate_binaries names what are no files of the archive: "bin\/b"$/) },
    },
    {
      code: "BUILD_INFO_WRONG",
      what: "a list of links that are files",
      damage: () =>
        scene.cache.replaceLayer(TAGS.libgreet, libgreetTar({ relocate_links: ["bin/a"] }, { name: "bin/a" })),
      finding: { ...about("libgreet"), ...says(/relocate_links names what are no symbolic links/) },
    },
    {
      code: "LAYER_UNCHECKED",
      what: "a layer that this Node can't decompress",
      damage: () => scene.cache.replaceLayer(TAGS.libgreet, libgreetTar(), Buffer.from("28b52ffd0000", "hex")),
      finding: { ...about("libgreet"), ...says(/zstd, which this Node doesn't have/) },
    },
  ],
);
