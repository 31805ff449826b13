import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { openLayout, type Store } from "@spkoci/core";
import {
  buildImage,
  buildIndex,
  fixturePath,
  requireTool,
  startFakeRegistry,
  type TestImage,
  withTemporaryFolder,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);

async function skopeo(...args: string[]): Promise<string> {
  return (await run("skopeo", args, { maxBuffer: 16 * 1024 * 1024 })).stdout;
}

async function putImage(store: Store, image: TestImage): Promise<void> {
  for (const blob of image.blobs) await store.put(blob);
  await store.write(image.manifest);
}

describe.skipIf(!requireTool("skopeo"))("skopeo", () => {
  it("reads the images and indexes of a layout folder that we wrote", () =>
    withTemporaryFolder(async (root) => {
      const folder = join(root, "layout");
      const store = await openLayout(folder, { create: true });
      const { index, images } = buildIndex("multi", ["linux/amd64", "linux/arm64"]);
      for (const image of images) await putImage(store, image);
      await store.write(index, { tag: "multi" });
      const single = buildImage("single", { config: { Env: ["A=b"] } });
      await putImage(store, single);
      await store.write(single.manifest, { tag: "single" });
      expect(JSON.parse(await skopeo("inspect", `oci:${folder}:single`))).toMatchObject({ Env: ["A=b"] });
      await skopeo("copy", "--all", `oci:${folder}:multi`, `oci:${join(root, "copy")}:multi`);
      expect(await (await openLayout(join(root, "copy"))).resolve("multi")).toEqual(index.descriptor);
    }));

  it("adds to a layout folder that we wrote, and we read both", () =>
    withTemporaryFolder(async (folder) => {
      const store = await openLayout(folder, { create: true });
      const ours = buildImage("ours");
      await putImage(store, ours);
      await store.write(ours.manifest, { tag: "ours" });
      await skopeo("copy", `oci:${folder}:ours`, `oci:${folder}:theirs`);
      expect(await store.resolve("theirs")).toEqual(ours.manifest.descriptor);
      expect(await store.resolve("ours")).toEqual(ours.manifest.descriptor);
    }));

  it("pushes to the fake registry and pulls from it", () =>
    withTemporaryFolder(async (root) => {
      const user = { username: "ann", password: "s3cret" };
      const registry = await startFakeRegistry({ auth: { type: "bearer", ...user }, redirectBlobs: true });
      try {
        const source = fixturePath("small/cache");
        const tag = await firstTag(await openLayout(source));
        const image = `docker://${registry.host}/org/cache:${tag}`;
        const creds = `${user.username}:${user.password}`;
        await skopeo("copy", "--dest-tls-verify=false", "--dest-creds", creds, `oci:${source}:${tag}`, image);
        await skopeo("copy", "--src-tls-verify=false", "--src-creds", creds, image, `oci:${join(root, "copy")}:${tag}`);
        const copied = await (await openLayout(join(root, "copy"))).resolve(tag);
        expect(copied).toEqual(await (await openLayout(source)).resolve(tag));
        expect(registry.requests.filter(({ status }) => status === undefined || status >= 500)).toEqual([]);
      } finally {
        await registry.close();
      }
    }));
});

async function firstTag(store: Store): Promise<string> {
  for await (const tag of store.tags()) return tag;
  throw new Error(`${store.name} has no tags`);
}
