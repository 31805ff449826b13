import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createTemporaryFolder,
  type DockerRegistry,
  fixturePath,
  requireTool,
  startDockerRegistry,
  type TemporaryFolder,
} from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runSpkoci } from "./support/run-spkoci.js";

const SPACKS = `oci:${fixturePath("small/cache")}`;
const GREETER = "linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh/bin/greeter";

let folder: TemporaryFolder;
let registry: DockerRegistry;
let cache: string;

/** Runs a command that must succeed. @returns its result document */
async function result(...words: string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr, exitCode } = await runSpkoci([...words, "--json"], { cwd: folder.path });
  expect(exitCode, `spkoci ${words.join(" ")}\n${stderr}`).toBe(0);
  return JSON.parse(stdout);
}

const namesIn = (document: Record<string, unknown>): string[] =>
  (document.packages as { name: string }[]).map(({ name }) => name).sort();

/** Each test goes on with what the one before has left in the registry. */
describe.skipIf(!requireTool("docker-registry"))("a cache that Spack wrote, in docker-registry", () => {
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    registry = await startDockerRegistry({ deleteEnabled: true });
    cache = `oci+http://${registry.host}/org/cache`;
  });
  afterAll(async () => {
    await registry?.close();
    await folder.remove();
  });

  it("arrives whole by copy, and check finds nothing wrong in it to the last byte", async () => {
    await result("copy", SPACKS, cache);
    expect(await result("check", "--level", "contents", cache)).toMatchObject({ findings: [] });
  });

  it("is listed, shown, drawn as a tree and reported like the folder that it came from", async () => {
    const all = ["gcc-runtime", "greet-build-tool", "greet-plugin", "greeter", "libgreet"];
    expect(namesIn(await result("list", "--all-arch", cache))).toEqual(all);
    expect(await result("show", cache, "greeter")).toMatchObject({
      layers: [{}, {}, { package: { name: "greeter" } }],
    });
    const tree = await result("tree", "--all-arch", cache, "greeter");
    expect(tree).toEqual({ ...(await result("tree", "--all-arch", SPACKS, "greeter")), source: tree.source });
    const totals = { packages: 5, broken: 0 };
    expect(await result("report", cache, "-o", "report.html")).toMatchObject({ totals });
    const page = await readFile(join(folder.path, "report.html"), "utf8");
    for (const name of all) expect(page).toContain(name);
  });

  it("has an index that update-index need not change, and the same again when it is made anew", async () => {
    const before = await result("list", "--all-arch", cache);
    await result("update-index", cache);
    expect(await result("update-index", cache)).toMatchObject({ changed: false });
    await result("update-index", "--full", cache);
    expect(namesIn(await result("list", "--all-arch", cache))).toEqual(namesIn(before));
    expect(await result("check", "--level", "index", cache)).toMatchObject({ findings: [] });
  });

  it("loses by prune what is not needed, and what stays is whole, installs and runs", async () => {
    const planned = await result("prune", "--dry-run", "--grace", "0", "--keep", "greeter", cache);
    expect(namesIn(await result("list", "--all-arch", cache))).toHaveLength(5);
    const pruned = await result("prune", "--yes", "--grace", "0", "--keep", "greeter", cache);
    expect(planned.images).toHaveLength(2);
    expect(pruned.totals).toMatchObject({ removed: 2, left: 0, failed: 0, bytes: planned.bytes });
    expect(namesIn(await result("list", "--all-arch", cache))).toEqual(["gcc-runtime", "greeter", "libgreet"]);
    expect(await result("check", "--level", "contents", cache)).toMatchObject({ findings: [] });
    await result("install", cache, "greeter", "--root", join(folder.path, "s"), "--allow-unrelocatable");
    const greeter = join(folder.path, "s", GREETER);
    expect(execFileSync(greeter, ["Ada"], { encoding: "utf8" })).toBe("Hello, Ada!\n");
  });

  it("goes on to a tar and from there to another repository", async () => {
    const tar = join(folder.path, "cache.tar");
    await result("copy", cache, `oci-archive:${tar}`);
    expect(await result("check", "--level", "contents", `oci-archive:${tar}`)).toMatchObject({ findings: [] });
    const other = `oci+http://${registry.host}/other`;
    await result("copy", `oci-archive:${tar}`, other);
    expect(await result("check", other)).toMatchObject({ findings: [] });
    expect(namesIn(await result("list", "--all-arch", other))).toEqual(["gcc-runtime", "greeter", "libgreet"]);
  });
});
