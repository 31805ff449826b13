import type { ShownLayer, ShownPackage } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { cleanText } from "./clean-text.js";
import type { Screen } from "./screen.js";
import { formatShown } from "./shown.js";

const screen: Screen = { colors: picocolors.createColors(false), width: undefined, unicode: true };

const digest = `sha256:${"d".repeat(64)}` as ShownPackage["digest"];
const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
const app = { name: "app", version: "1.0", hash: "a".repeat(32) };
const zlib = { name: "zlib", version: "1.3", hash: "z".repeat(32) };

const layer = (size: number, others: Partial<ShownLayer>): ShownLayer => ({
  digest,
  mediaType,
  size,
  plainSize: null,
  kind: "package",
  ...others,
});

const image: ShownPackage = {
  source: "ghcr.io/org/cache",
  image: "ghcr.io/org/cache:app-1.0-a.spack",
  digest,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  platform: "linux/amd64",
  package: {
    ...app,
    arch: { platform: "linux", os: "debian12", target: "x86_64_v3" },
    compilers: [{ name: "gcc", version: "12.2.0", languages: ["c"] }],
    parameters: {},
    spec: "app@=1.0",
    dependencies: [],
  },
  libc: { name: "glibc", version: "2.36" },
  fit: { ok: true, sameOs: true },
  base: { name: "debian:12", digest: "sha256:ba5e", layers: 2, size: 3000 },
  layers: [
    layer(2000, { kind: "base" }),
    layer(1000, { kind: "base" }),
    layer(4096, { package: zlib, sharedBy: 7 }),
    layer(1024, { package: app, sharedBy: 0 }),
  ],
  totals: { size: 8120, plainSize: null },
  run: {
    env: [
      `PATH=/opt/spack/linux/app-1.0-${app.hash}/bin:/opt/spack/linux/zlib-1.3-${zlib.hash}/bin:/bin`,
      "MOTTO=a\u001b[2Jb",
    ],
    entrypoint: ["/entry"],
    cmd: ["app", "--help"],
    labels: { key: "value" },
  },
  dependencies: [
    { ...zlib, deptypes: ["build", "link"], virtuals: [], state: "present" },
    { name: "glibc", version: "2.36", hash: "g".repeat(32), deptypes: ["link"], virtuals: [], state: "external" },
    { name: "gone", hash: "o".repeat(32), deptypes: ["run"], virtuals: [], state: "missing" },
  ],
  missing: [{ name: "gone", hash: "o".repeat(32) }],
  dependents: [],
};

describe("formatShown", () => {
  it("says what the image is, what it weighs, how it runs and what it needs", () => {
    expect(formatShown(image, screen).split("\n")).toEqual([
      "app@1.0/aaaaaaa",
      "image       ghcr.io/org/cache:app-1.0-a.spack",
      `digest      ${digest}`,
      "spec        app@=1.0",
      "built with  %c=gcc@12.2.0",
      "runs on     linux/amd64, debian12, x86_64_v3, glibc 2.36 or newer",
      "base image  debian:12 (sha256:ba5e)",
      "size        7.9 KiB in 4 layers",
      "needed by   nothing else in the cache",
      "runs here   yes",
      "lacks       gone/ooooooo: not in the cache, but needed to run",
      "",
      "LAYER                SIZE  SHARED BY",
      "zlib@1.3/zzzzzzz  4.0 KiB          7  ████████████████████████████████████████",
      "base image (2)    2.9 KiB             █████████████████████████████▎",
      "app@1.0/aaaaaaa   1.0 KiB          -  ██████████",
      "",
      "RUNS WITH",
      '  entrypoint  ["/entry"]',
      '  command     ["app","--help"]',
      "  label       key=value",
      "  PATH=<app>/bin:<zlib>/bin:/bin",
      "  MOTTO=a\\x1b[2Jb",
      "",
      "DEPENDS ON",
      "  ✓ zlib@1.3/zzzzzzz (build, link)",
      "  e glibc@2.36/ggggggg (link) external",
      "  - gone/ooooooo (run) not in the cache",
      "",
    ]);
  });

  it("fits into a narrow terminal, with ASCII where nothing else can be shown", () => {
    const lines = formatShown({ ...image, image: "i", digest: "d" as never }, { ...screen, width: 50, unicode: false });
    const table = lines.slice(lines.indexOf("LAYER"), lines.indexOf("RUNS WITH"));
    expect(Math.max(...table.split("\n").map((line) => line.length))).toBeLessThanOrEqual(50);
    expect(lines).toContain("zlib@1.3/zzzzzzz  4.0 KiB          7  ############");
    expect(lines).toContain("  + zlib@1.3/zzzzzzz");
  });

  it("shows what was measured", () => {
    const layers = image.layers.map((one) => ({ ...one, plainSize: one.size * 3 }));
    const lines = formatShown({ ...image, layers, totals: { size: 8120, plainSize: 24360 } }, screen);
    expect(lines).toContain("\nsize        7.9 KiB in 4 layers, 23.8 KiB unpacked\n");
    expect(lines).toMatch(/\nLAYER +SIZE +UNPACKED +SHARED BY\n/);
    expect(lines).toMatch(/\nbase image \(2\) +2\.9 KiB +8\.8 KiB /);
  });

  it("says why it doesn't run here, and leaves out what isn't known", () => {
    const { base, dependents, ...others } = image;
    const layers = [layer(10, { kind: "unknown" }), layer(20, { package: app })];
    const lines = formatShown(
      {
        ...others,
        layers,
        libc: "unknown",
        fit: { ok: false, why: "it is built for z80" },
        missing: [],
        dependencies: [],
      },
      screen,
    );
    expect(lines).toContain("\nruns here   no: it is built for z80\n");
    expect(lines).toContain(", unknown C library\n");
    expect(lines).toMatch(
      /\nLAYER +SIZE\napp@1\.0\/aaaaaaa +20 B {2}█+\nof unknown origin, sha256:dddddddddddd +10 B {2}█+\n/,
    );
    expect(lines).not.toMatch(/base image|needed by|lacks|DEPENDS/);
  });

  it.each([
    [{ name: "debian:12" }, "debian:12"],
    [{ digest: "sha256:ba5e" }, "sha256:ba5e"],
    [{}, "not named"],
  ])("names the base image by what is said of it: %j", (said, text) => {
    const lines = formatShown({ ...image, base: { ...said, layers: 1, size: 1 } }, screen);
    expect(lines).toContain(`\nbase image  ${text}\n`);
  });

  it("tells packages of the same name apart, and goes on in the next line", () => {
    const other = { ...zlib, version: "1.2", hash: "y".repeat(32) };
    const layers = [layer(1, { package: zlib }), layer(1, { package: other })];
    const folders = [zlib, other].map(({ hash }) => `/opt/zlib-${hash}/lib`);
    const env = [`LD_LIBRARY_PATH=${folders.join(":")}`];
    const lines = formatShown({ ...image, layers, run: { ...image.run, env } }, { ...screen, width: 40 });
    expect(lines).toContain("  LD_LIBRARY_PATH=<zlib/zzzzzzz>/lib:\n      <zlib/yyyyyyy>/lib\n");
  });

  it("shows nothing that steers a terminal", () => {
    const evil = "e\u001b[2J\u202e";
    const hostile: ShownPackage = {
      ...image,
      image: evil,
      created: evil,
      base: { name: evil, digest: evil, layers: 1, size: 1 },
      fit: { ok: false, why: evil },
      layers: [layer(1, { package: { name: evil, hash: evil } })],
      run: { env: [evil], entrypoint: [evil], cmd: [evil], user: evil, workdir: evil, labels: { [evil]: evil } },
      dependencies: [{ name: evil, hash: evil, deptypes: [evil], virtuals: [], state: "missing" }],
      missing: [{ name: evil, hash: evil }],
      dependents: [{ name: evil, hash: evil }],
    };
    for (const line of formatShown(hostile, screen).split("\n")) expect(line).toBe(cleanText(line));
  });
});
