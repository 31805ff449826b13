import { gunzipSync } from "node:zlib";
import { digestOf, parseImageIndex, parseManifest } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { buildImage, buildIndex } from "./images.js";
import { seededBlob, seededBytes } from "./random.js";

describe("seededBytes", () => {
  it("are the same for the same seed, and others for another", () => {
    expect(seededBytes("a", 100)).toEqual(seededBytes("a", 100));
    expect(seededBytes("a", 100)).not.toEqual(seededBytes("b", 100));
    expect(seededBytes("a", 0).length).toBe(0);
  });
});

describe("buildImage", () => {
  it("makes a manifest, a config and layers that fit together", () => {
    const image = buildImage("x", { layers: [{ "bin/hello": "#!/bin/sh\n" }, { "etc/motd": "hi" }] });
    const manifest = parseManifest(image.manifest, "x");
    expect(manifest.config).toEqual(image.config.descriptor);
    expect(manifest.layers).toEqual(image.layers.map((layer) => layer.descriptor));
    const { rootfs } = JSON.parse(Buffer.from(image.config.bytes).toString());
    expect(rootfs.diff_ids).toEqual(image.layers.map((layer) => digestOf(gunzipSync(layer.bytes))));
  });
});

describe("buildIndex", () => {
  it("names an image for each platform, and attestations after them", () => {
    const { index, images } = buildIndex("x", ["linux/amd64", "linux/arm64/v8"], { attestations: true });
    const { manifests } = parseImageIndex(index, "x");
    expect(manifests.map((entry) => entry.platform)).toEqual([
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm64", variant: "v8" },
      { os: "unknown", architecture: "unknown" },
      { os: "unknown", architecture: "unknown" },
    ]);
    expect(manifests.map((entry) => entry.digest)).toEqual(images.map((image) => image.manifest.descriptor.digest));
  });
});

describe("seededBlob", () => {
  it("opens again from the first byte and counts it", async () => {
    const blob = seededBlob("x", 200_000);
    for (let turn = 1; turn <= 2; turn += 1) {
      const pieces: Buffer[] = [];
      for await (const piece of await blob.open()) pieces.push(piece as Buffer);
      expect(digestOf(Buffer.concat(pieces))).toBe(blob.descriptor.digest);
      expect(blob.opens).toBe(turn);
    }
  });
});
