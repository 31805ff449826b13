import { buildImage, buildPackage, putPackage, putReferrer, RegistryPruneScene } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { jsonDocument } from "../oci/document.js";
import { planPrune, prune } from "./prune.js";

const scene = new RegistryPruneScene();
const { start, options, tags, indexed } = scene;
const { lib, app, other, lone } = scene.packages;
const ALL = [app.tag, "index.spack", lib.tag, lone.tag, other.tag];

const DENIED = { errors: [{ code: "DENIED", message: "no" }] };

describe("checklist 60: prune of a registry", () => {
  it("deletes by digest what goes, after the index has lost it", async () => {
    await start();
    scene.registry.faults = ({ method, path }) => {
      const isDeletion =
        method === "DELETE" && scene.registry.repository("org/the/cache").findManifest(path.split("/").at(-1) ?? "");
      if (isDeletion) names.push(indexed());
      return undefined;
    };
    const names: Promise<string[]>[] = [];
    const result = await prune(options());
    expect(result.totals).toMatchObject({ removed: 2, left: 0, failed: 0 });
    expect(result.blobs).toBeUndefined();
    expect(tags()).toEqual(scene.kept);
    expect(await Promise.all(names)).toEqual([
      ["app", "lib"],
      ["app", "lib"],
    ]);
    const deleted = scene.registry.requestsOf("DELETE", /manifests/).map(({ path }) => path.split("/").at(-1));
    expect(deleted).toEqual(expect.arrayContaining([other, lone].map(({ manifest }) => manifest.descriptor.digest)));
    expect(scene.registry.requestsOf("DELETE", /blobs/)).toEqual([]);
  });

  it("asks for each image once, and for no config that it needs no date of", async () => {
    await start();
    await planPrune(options());
    expect(scene.registry.requestsOf("GET", /manifests/)).toHaveLength(ALL.length + 1);
    expect(scene.registry.requestsOf("GET", new RegExp(app.config.descriptor.digest))).toEqual([]);
  });

  it("changes nothing where the registry deletes nothing, and says so in one line", async () => {
    await start({ deletes: false });
    await expect(prune(options())).rejects.toMatchObject({
      code: "DELETE_UNSUPPORTED",
      message: `${scene.registry.host}/org/the/cache doesn't let manifests be deleted; nothing was changed`,
      hint: expect.stringContaining("storage.delete.enabled"),
    });
    expect(await indexed()).toEqual(["app", "lib", "lone", "other"]);
    expect(scene.registry.requestsOf("PUT", /./)).toEqual([]);
  });

  it("is planned where nothing can be deleted, too", async () => {
    await start({ deletes: false });
    expect((await planPrune(options())).images).toHaveLength(2);
  });

  it("puts back into the index what couldn't be deleted, and goes on with the rest", async () => {
    await start();
    scene.registry.faults = ({ method, path }) =>
      method === "DELETE" && path.endsWith(other.manifest.descriptor.digest)
        ? { status: 403, body: DENIED }
        : undefined;
    const result = await prune(options({ jobs: 1 }));
    expect(result.totals.failed).toBeGreaterThan(0);
    expect(result.images).toContainEqual(
      expect.objectContaining({
        tags: [other.tag],
        outcome: "failed",
        error: expect.objectContaining({ code: "AUTHENTICATION_REQUIRED" }),
      }),
    );
    const there = tags().map((tag) => tag.replace(/-1\.0-.*|\.spack/, ""));
    expect(await indexed()).toEqual(there.filter((tag) => tag !== "index"));
  });

  it("says so where the registry answers that what it has isn't there", async () => {
    await start();
    scene.registry.faults = ({ method }) => (method === "DELETE" ? { status: 404 } : undefined);
    const result = await prune(options());
    expect(result.images.map(({ error }) => error?.code)).toEqual(["DELETE_UNSUPPORTED", "DELETE_UNSUPPORTED"]);
    expect(await indexed()).toEqual(["app", "lib", "lone", "other"]);
  });

  it("tells of packages that come too late to keep what they need", async () => {
    await start();
    const late = buildPackage("late", { dependencies: [lone] });
    scene.registry.faults = ({ method, path }) => {
      if (method !== "DELETE" || !path.endsWith(lone.manifest.descriptor.digest)) return undefined;
      const repository = scene.registry.repository("org/the/cache");
      for (const { bytes } of [late.config, late.layer]) repository.addBlob(bytes);
      repository.addManifest(late.manifest, late.tag);
      return undefined;
    };
    const warnings: string[] = [];
    const emit = (event: SpkociEvent): void => void (event.type === "warning" && warnings.push(event.message));
    await prune(options(), { emit });
    expect(warnings).toContain("packages that were pushed meanwhile need what was removed: lone@1.0");
  });

  it.each([true, false])("deletes referrers first, with a referrers API: %s", async (referrers) => {
    await start({ referrers });
    const note = await putReferrer(scene.store, other);
    const second = await putReferrer(scene.store, { manifest: note });
    const stays = await putReferrer(scene.store, app);
    const result = await prune(options());
    expect(result.totals).toMatchObject({ left: 0, failed: 0 });
    const { manifests } = scene.registry.repository("org/the/cache");
    for (const gone of [note, second, other.manifest]) expect(manifests.has(gone.descriptor.digest)).toBe(false);
    expect(manifests.has(stays.descriptor.digest)).toBe(true);
    expect((await scene.store.referrers(app.manifest.descriptor.digest)).map(({ digest }) => digest)).toEqual([
      stays.descriptor.digest,
    ]);
    expect(tags().filter((tag) => tag.startsWith("sha256-"))).toHaveLength(referrers ? 0 : 1);
  });

  it("deletes what an index of images names after the index", async () => {
    await start();
    const image = buildImage("child");
    for (const blob of image.blobs) await scene.store.put(blob);
    await scene.store.write(image.manifest);
    const { mediaType, digest, size } = image.manifest.descriptor;
    const type = "application/vnd.oci.image.index.v1+json";
    const index = jsonDocument(type, { schemaVersion: 2, mediaType: type, manifests: [{ mediaType, digest, size }] });
    await scene.store.write(index, { tag: "images" });
    await prune(options({ allTags: true }));
    const deleted = scene.registry.requestsOf("DELETE", /manifests/).map(({ path }) => path.split("/").at(-1));
    expect(deleted.indexOf(index.descriptor.digest)).toBeLessThan(deleted.indexOf(digest));
    expect(tags()).toEqual(scene.kept);
  });

  it("keeps lately built packages where their config tells, and those of unknown age as newer", async () => {
    await start();
    const young = buildPackage("young", { archivedAt: new Date().toISOString(), dependencies: [lone] });
    await putPackage(scene.store, young);
    const plan = await planPrune(options({ graceMs: 60_000 }));
    const kept = Object.fromEntries(plan.kept.map(({ name, why }) => [name, why]));
    expect(kept).toEqual({ app: "query", lib: "dependency", young: "grace", lone: "dependency" });
    const newer = await planPrune(options({ newerThanMs: 60_000 }));
    expect(newer.kept.find(({ name }) => name === "other")).toMatchObject({ why: "unknown-age" });
  });
});
