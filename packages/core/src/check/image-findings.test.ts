import { about, CheckScene, describeFindings, SMALL_HASHES as HASHES, says, SMALL_TAGS as TAGS } from "@spkoci/testkit";
import { expect } from "vitest";

const scene = new CheckScene();

describeFindings(
  scene,
  ["manifests"],
  [
    {
      code: "MANIFEST_MISSING",
      what: "a tag without its manifest",
      damage: async () => scene.cache.removeBlob((await scene.cache.store.resolve(TAGS.greeter))?.digest ?? ""),
      finding: { ...about("greeter") },
    },
    {
      code: "MANIFEST_UNREADABLE",
      what: "a manifest that is cut off",
      damage: async () => scene.cache.shortenBlob((await scene.cache.store.resolve(TAGS.greeter))?.digest ?? ""),
      finding: { ...about("greeter"), ...says(/should have 850 bytes but has 20/) },
    },
    {
      code: "MANIFEST_UNREADABLE",
      what: "a manifest without layers",
      damage: async () =>
        scene.cache.writeManifest(TAGS.greeter, { ...(await scene.cache.readManifest(TAGS.greeter)), layers: null }),
      finding: { ...about("greeter"), ...says(/malformed/) },
    },
    {
      code: "MEDIA_TYPES_MIXED",
      what: "a layer of Docker's media types in an image of OCI's",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (manifest) => {
          manifest.layers[0].mediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip";
        }),
      finding: { ...about("greeter"), ...says(/docker\.image\.rootfs/) },
    },
    {
      code: "CONFIG_MISSING",
      what: "an image without its config",
      damage: async () => scene.cache.removeBlob((await scene.cache.readManifest(TAGS.greeter)).config.digest),
      finding: { ...about("greeter"), digest: expect.stringMatching(/^sha256:/) },
    },
    {
      code: "CONFIG_UNREADABLE",
      what: "a config that is cut off",
      damage: async () => scene.cache.shortenBlob((await scene.cache.readManifest(TAGS.greeter)).config.digest),
      finding: { ...about("greeter") },
    },
    {
      code: "CONFIG_UNREADABLE",
      what: "a config that is no object",
      damage: async () => {
        const manifest = await scene.cache.readManifest(TAGS.greeter);
        await scene.cache.writeManifest(TAGS.greeter, {
          ...manifest,
          config: await scene.cache.putJson(manifest.config.mediaType, 5),
        });
      },
      finding: { ...about("greeter"), ...says(/no JSON object/) },
    },
    {
      code: "IMAGE_UNRUNNABLE",
      what: "a config of another architecture",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.architecture = "s390x";
        }),
      finding: { ...about("greeter"), ...says(/"s390x", but the package is for amd64/) },
    },
    {
      code: "IMAGE_UNRUNNABLE",
      what: "a config without an operating system",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          delete config.os;
        }),
      finding: { ...about("greeter"), ...says(/malformed.*os/) },
    },
    {
      code: "IMAGE_UNRUNNABLE",
      what: "more diffIds than layers",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.rootfs.diff_ids.unshift(config.rootfs.diff_ids[0]);
        }),
      finding: { ...about("greeter"), ...says(/lists 4 layers, its manifest 3/) },
    },
    {
      code: "IMAGE_UNRUNNABLE",
      what: "a variable without a name",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.config.Env.push("=x");
        }),
      finding: { ...about("greeter"), ...says(/"=x" is not NAME=VALUE/) },
    },
    {
      code: "IMAGE_UNRUNNABLE",
      what: "a history of more layers",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.history = Array(4).fill({});
        }),
      finding: { ...about("greeter"), ...says(/history has 4 layers/) },
    },
    {
      code: "LAYOUT_UNKNOWN",
      what: "a newer cache layout",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.buildcache_layout_version = 4;
        }),
      finding: { ...about("greeter") },
    },
    {
      code: "SPEC_UNREADABLE",
      what: "a config without a spec",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          delete config.spec;
        }),
      finding: { ...about("greeter") },
    },
    {
      code: "DAG_HASH_WRONG",
      what: "a node of the spec that was changed",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.spec.nodes[1].version = "666";
        }),
      finding: { ...about("greeter"), ...says(/@666 claims the DAG hash/) },
    },
    {
      code: "TAG_WRONG",
      what: "a tag that was moved to another package",
      damage: async () => scene.cache.writeManifest(TAGS.greeter, await scene.cache.readManifest(TAGS.libgreet)),
      finding: { ...about("greeter"), ...says(/it holds libgreet@1\.0\/vxd7hjt/) },
    },
    {
      code: "ARCHIVE_CLAIM_WRONG",
      what: "a checksum of another layer",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.binary_cache_checksum.hash = "0".repeat(64);
        }),
      finding: { ...about("greeter"), ...says(/binary_cache_checksum is "000/) },
    },
    {
      code: "ARCHIVE_CLAIM_WRONG",
      what: "no checksum",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          delete config.binary_cache_checksum;
        }),
      finding: { ...about("greeter"), ...says(/binary_cache_checksum is missing/) },
    },
    {
      code: "ARCHIVE_CLAIM_WRONG",
      what: "a wrong size",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.archive_size = 5;
        }),
      finding: { ...about("greeter"), ...says(/archive_size is "5", but the layer's is 10271/) },
    },
    {
      code: "ARCHIVE_CLAIM_WRONG",
      what: "a wrong compression",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (_manifest, config) => {
          config.archive_compression = "zstd";
        }),
      finding: { ...about("greeter"), ...says(/archive_compression/) },
    },
    {
      code: "ANNOTATION_WRONG",
      what: "an annotation with another diffId",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (manifest) => {
          manifest.layers[0].annotations = { "dev.spkoci.layer.diff-id": `sha256:${"0".repeat(64)}` };
        }),
      finding: { ...about("greeter"), ...says(/diff-id is "sha256:000/) },
    },
    {
      code: "ANNOTATION_WRONG",
      what: "an annotation with another package",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (manifest) => {
          manifest.layers.at(-1).annotations = { "dev.spkoci.layer.dag-hash": HASHES.libgreet };
        }),
      finding: { ...about("greeter"), ...says(/of \/"vxd7hjt/) },
    },
    {
      code: "DEPENDENCY_MISSING",
      what: "a cache without a dependency",
      damage: async () => {
        await scene.cache.store.delete(TAGS.libgreet);
        await scene.cache.changeIndex((installs) => {
          installs[HASHES.libgreet].in_buildcache = false;
        });
      },
      finding: { ...about("greeter"), ...says(/doesn't have libgreet@1\.0\/vxd7hjt/) },
      others: ["DEPENDENCY_MISSING"],
    },
    {
      code: "IMAGE_INCOMPLETE",
      what: "an image without a dependency's layer",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (manifest, config) => {
          manifest.layers.splice(1, 1);
          config.rootfs.diff_ids.splice(1, 1);
        }),
      finding: { ...about("greeter"), ...says(/has 2 layers, but consists of 3 packages/) },
    },
    {
      code: "IMAGE_INCOMPLETE",
      what: "an annotated image without a dependency's layer",
      damage: () =>
        scene.cache.changeImage(TAGS.greeter, (manifest) => {
          const hashes = [HASHES["gcc-runtime"], HASHES["gcc-runtime"], HASHES.greeter];
          for (const [at, layer] of manifest.layers.entries()) {
            layer.annotations = { "dev.spkoci.layer.dag-hash": hashes[at] };
          }
        }),
      finding: { ...about("greeter"), ...says(/lacks the layers of libgreet@1\.0/) },
    },
  ],
);
