import { OCI_MANIFEST } from "@spkoci/core";
import { requireTool, startDockerRegistry, startFakeRegistry } from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeDeletes } from "./registry-rules/deletes.js";
import { describeLists } from "./registry-rules/lists.js";
import { describePull } from "./registry-rules/pull.js";
import { describePushOfBlobs } from "./registry-rules/push-blobs.js";
import { describePushOfManifests } from "./registry-rules/push-manifests.js";
import { type Abilities, createScene } from "./registry-rules/scene.js";

interface Subject {
  readonly url: string;
  close(): Promise<void>;
}

const ALL: Abilities = {
  referrers: true,
  tagDeletes: true,
  contentRange: true,
  tagPages: true,
  lateRange: true,
  uploadState: true,
  manifestLimit: true,
};

/** What docker-registry 2.8 lacks. */
const OF_DOCKER_REGISTRY: Abilities = {
  // It has no such API, and answers 404.
  referrers: false,
  // It takes a tag for a wrong digest: 400.
  tagDeletes: false,
  // It appends whatever comes.
  contentRange: false,
  // It gives all tags, as they come from the disk.
  tagPages: false,
  // It sends less than the Content-Length that it promises.
  lateRange: false,
  // It takes every state that it gave out.
  uploadState: false,
  // It says MANIFEST_INVALID, 400.
  manifestLimit: false,
};

/** What the distribution-spec says of a registry (its folder `conformance` asks the same), by plain HTTP. */
function describeRules(name: string, start: () => Promise<Subject>, abilities: Abilities): void {
  describe(`checklist 70: ${name}`, () => {
    let registry: Subject;
    const scene = createScene(() => registry);
    beforeAll(async () => {
      registry = await start();
    });
    afterAll(() => registry?.close());

    describePull(scene, abilities);
    describePushOfBlobs(scene, abilities);
    describePushOfManifests(scene, abilities);
    describeLists(scene, abilities);
    describeDeletes(scene, abilities);
  });
}

/** A registry may lack content management, and then says so. */
function describeNoDeletes(name: string, start: () => Promise<Subject>): void {
  it(`checklist 60: ${name} answers 405 UNSUPPORTED where it deletes nothing`, async () => {
    const registry = await start();
    try {
      const { at, send, codesOf, putBlob, putManifest } = createScene(() => registry);
      const base = at();
      const { document } = await putManifest(base, "v1");
      const blob = await putBlob(base, Buffer.from("stays"));
      for (const target of [`manifests/${document.descriptor.digest}`, `blobs/${blob}`]) {
        const answer = await send("DELETE", `${base}/${target}`);
        expect([answer.status, codesOf(answer)]).toEqual([405, ["UNSUPPORTED"]]);
        expect((await send("HEAD", `${base}/${target}`, { accept: OCI_MANIFEST })).status).toBe(200);
      }
    } finally {
      await registry.close();
    }
  });
}

describeRules("the fake registry", () => startFakeRegistry(), ALL);

describeRules("the fake registry with absolute Locations", () => startFakeRegistry({ absoluteLocations: true }), ALL);

describeRules("the fake registry without a single POST", () => startFakeRegistry({ singlePost: false }), ALL);

describeNoDeletes("the fake registry", () => startFakeRegistry({ deletes: false }));

describe.skipIf(!requireTool("docker-registry"))("a registry of others", () => {
  describeRules("docker-registry", () => startDockerRegistry({ deleteEnabled: true }), OF_DOCKER_REGISTRY);

  describeNoDeletes("docker-registry", () => startDockerRegistry());
});
