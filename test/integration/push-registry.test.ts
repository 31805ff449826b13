import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { openLayout, openRegistry, type PushOptions, type PushResult, parseManifest, push } from "@spkoci/core";
import {
  createTemporaryFolder,
  type FixtureStore,
  requireTool,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildBaseImage, putBaseImage } from "./support/base-image.js";
import { readProcess, runInContainer, unpackImage } from "./support/container.js";
import { type RegistryKind, type RunningRegistry, startRegistry } from "./support/registries.js";

const run = promisify(execFile);
const tools = ["docker-registry", "skopeo", "umoci", "runc", "openssl"].map(requireTool).every(Boolean);
const PREFIX = "/opt/spack/opt/spack/linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";

let store: FixtureStore;
let folder: TemporaryFolder;

beforeAll(async () => {
  store = await unpackFixtureStore();
  folder = await createTemporaryFolder();
});
afterAll(async () => {
  await store.remove();
  await folder.remove();
});

function options(target: string, changes: Partial<PushOptions> = {}): PushOptions {
  const common = { store: store.store, sysroot: store.path, cacheDir: join(folder.path, "cache"), runEnv: "prefix" };
  return { ...common, specs: ["greeter"], target, ...changes } as PushOptions;
}

const greeterOf = (result: PushResult) => {
  const greeter = result.packages.find(({ name }) => name === "greeter");
  if (greeter === undefined) throw new Error("greeter was not pushed");
  return greeter;
};

describe.skipIf(!tools).each<RegistryKind>(["plain http", "TLS", "TLS and Basic auth"])(
  "greeter in docker-registry over %s",
  (kind) => {
    let registry: RunningRegistry;
    let result: PushResult;
    let work: TemporaryFolder;

    beforeAll(async () => {
      work = await createTemporaryFolder();
      registry = await startRegistry(kind, work.path);
      result = await push(options(`${registry.host}/org/cache`, { access: registry.access }));
    });
    afterAll(async () => {
      await registry.close();
      await work.remove();
    });

    it("pushes the package and its dependencies", () => {
      expect(result.packages.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
        "gcc-runtime pushed",
        "libgreet pushed",
        "greeter pushed",
      ]);
    });

    it("skopeo inspects every image with the digest and the layers that spkoci reports", async () => {
      for (const { image, digest } of result.packages) {
        const { stdout } = await run("skopeo", ["inspect", ...registry.inspectFlags, `docker://${image}`]);
        const inspected = JSON.parse(stdout) as { Digest: string; Architecture: string; Layers: string[] };
        expect(inspected).toMatchObject({ Digest: digest, Architecture: "amd64", Os: "linux" });
        expect(inspected.Layers.length).toBeGreaterThan(0);
      }
    });

    it("skopeo copies every image, checking each blob", async () => {
      for (const { image, tag, digest } of result.packages) {
        const to = `oci:${join(work.path, "copied")}:${tag}`;
        await run("skopeo", ["copy", "--preserve-digests", ...registry.copyFlags, `docker://${image}`, to]);
        const copied = await (await openLayout(join(work.path, "copied"))).resolve(tag);
        expect(copied?.digest).toBe(digest);
      }
    });

    it("a second push sends no blob and takes no tarball", async () => {
      const requests: string[] = [];
      const stages: string[] = [];
      const again = await push(options(`${registry.host}/org/cache`, { access: registry.access }), {
        emit: (event) => {
          if (event.type === "request") requests.push(event.method);
          if (event.type === "package-progress") stages.push(event.stage);
        },
      });
      expect(again.totals).toMatchObject({ pushed: 0, rewritten: 0, skipped: 3, failed: 0, bytesSent: 0 });
      expect(stages).toEqual([]);
      expect(requests.filter((method) => method !== "GET" && method !== "HEAD")).toEqual([]);
    });
  },
);

describe.skipIf(!tools).each(["oci", "docker"] as const)("greeter on a base image of the %s family", (family) => {
  let registry: RunningRegistry;
  let work: TemporaryFolder;
  let result: PushResult;
  let bundle: string;

  beforeAll(async () => {
    work = await createTemporaryFolder();
    registry = await startRegistry("plain http", work.path);
    const base = openRegistry({ registry: registry.host, repository: "base/debian" });
    await putBaseImage(base, await buildBaseImage(work.path, family), "12");
    const baseImage = `${registry.host}/base/debian:12`;
    result = await push(options(`${registry.host}/org/cache`, { baseImage }));
    const { image, tag } = greeterOf(result);
    const layout = join(work.path, "layout");
    await run("skopeo", ["copy", ...registry.copyFlags, `docker://${image}`, `oci:${layout}:${tag}`]);
    bundle = join(work.path, "bundle");
    await unpackImage(layout, tag, bundle);
  });
  afterAll(async () => {
    await registry.close();
    await work.remove();
  });

  it("is wholly of one family of media types", async () => {
    const cache = openRegistry({ registry: registry.host, repository: "org/cache" });
    const document = await cache.read(greeterOf(result).tag);
    if (document === undefined) throw new Error("the tag is not there");
    const { mediaType, config, layers } = parseManifest(document, "greeter");
    const prefix = family === "oci" ? "application/vnd.oci." : "application/vnd.docker.";
    for (const type of [mediaType, config.mediaType, ...layers.map((layer) => layer.mediaType)]) {
      expect(type.startsWith(prefix), type).toBe(true);
    }
    expect(layers).toHaveLength(4);
  });

  it("brings the base's layer over by a mount and sends none of its bytes", () => {
    const packageLayers = result.packages.reduce((sum, { layerSize }) => sum + (layerSize ?? 0), 0);
    expect(result.totals.bytesSent).toBe(packageLayers);
  });

  it("runs by its bare name in a container, with PATH from the image's config", async () => {
    const { env } = await readProcess(bundle);
    expect(env.find((line) => line.startsWith("PATH="))).toBe(`PATH=${PREFIX}/bin:/usr/local/bin:/usr/bin:/bin`);
    expect(await runInContainer(bundle, ["greeter", "Ada"], `spkoci-${family}-${process.pid}-bare`)).toBe(
      "Hello, Ada!\n",
    );
  });

  it("runs the package's scripts, whose interpreters are in the base and in the prefix", async () => {
    const name = `spkoci-${family}-${process.pid}-script`;
    expect(await runInContainer(bundle, ["greet-all", "Ada", "Grace"], name)).toBe("Hello, Ada!\nHello, Grace!\n");
  });

  it("starts the base's shell when no command is given", async () => {
    expect((await readProcess(bundle)).env).toContain("BASE=yes");
    const { stdout } = await run("umoci", [
      "stat",
      "--image",
      `${join(work.path, "layout")}:${greeterOf(result).tag}`,
      "--json",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ history: expect.any(Array) });
    const inspect = ["inspect", "--config", ...registry.inspectFlags, `docker://${greeterOf(result).image}`];
    const config = JSON.parse((await run("skopeo", inspect)).stdout) as { config: { Cmd: string[] } };
    expect(config.config.Cmd).toEqual(["/bin/sh"]);
  });

  it("moves to another base without a tarball", async () => {
    const other = openRegistry({ registry: registry.host, repository: "base/other" });
    const image = await buildBaseImage(join(work.path, "other"), family === "oci" ? "docker" : "oci");
    await putBaseImage(other, image, "1");
    const again = await push(options(`${registry.host}/org/cache`, { baseImage: `${registry.host}/base/other:1` }));
    expect(again.totals).toMatchObject({ pushed: 0, rewritten: 3, failed: 0 });
  });
});

describe.skipIf(!tools)("pushes from two copies of a store", () => {
  it("give identical manifests in two registries, with a base image streamed between them", async () => {
    const work = await createTemporaryFolder();
    const copy = await unpackFixtureStore();
    const [a, b] = await Promise.all([startRegistry("plain http", work.path), startRegistry("plain http", work.path)]);
    try {
      const base = openRegistry({ registry: a.host, repository: "base" });
      await putBaseImage(base, await buildBaseImage(work.path, "oci"), "1");
      const baseImage = `${a.host}/base:1`;
      const first = await push(options(`${a.host}/cache`, { baseImage }));
      const second = await push(options(`${b.host}/cache`, { baseImage, sysroot: copy.path }));
      expect(second.packages.map(({ digest }) => digest)).toEqual(first.packages.map(({ digest }) => digest));
      expect(second.totals.bytesSent).toBeGreaterThan(first.totals.bytesSent);
    } finally {
      await Promise.all([a.close(), b.close(), copy.remove(), work.remove()]);
    }
  });
});
