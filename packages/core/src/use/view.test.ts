import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { install } from "../install/install.js";
import { makeView, removeView } from "./view.js";

const cache = fileURLToPath(new URL("../../../../fixtures/small/cache", import.meta.url));
const GREETER = "linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const LIBGREET = "linux-x86_64_v3/libgreet-1.0-vxd7hjtucqhfb2xibbvbaje6fla7ikff";

let folder: string;
/** A short path, as an alias folder must be. */
let aliases: string;
let root: string;
let dir: string;
let views = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-view-"));
  aliases = await mkdtemp("/tmp/s-");
  root = join(folder, "store");
  const sources = [`oci:${cache}`];
  const places = { root, cacheDir: join(folder, "cache"), aliasDir: aliases };
  const result = await install({ sources, specs: ["greeter"], ...places, env: { PATH: process.env.PATH } });
  expect(result.totals).toMatchObject({ installed: 3, failed: 0 });
});

beforeEach(() => {
  views += 1;
  dir = join(folder, `view-${views}`);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(aliases, { recursive: true, force: true });
});

describe("makeView", () => {
  it("merges packages with what they need; programs work from its bin alone", async () => {
    const { links, conflicts } = await makeView({ root, specs: ["greeter"], dir });
    expect(links).toBeGreaterThan(5);
    expect(conflicts).toEqual([]);
    expect(await readlink(join(dir, "bin/greeter"))).toBe(join(root, GREETER, "bin/greeter"));
    expect(await readdir(join(dir, "lib/pkgconfig"))).not.toEqual([]);
    expect(await readdir(dir)).not.toContain(".spack");
    const env = { PATH: `${join(dir, "bin")}:/usr/bin:/bin` };
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", "greeter Ada; greet-all Grace"], { env });
    expect(stdout).toBe("Hello, Ada!\nHello, Grace!\n");
  });

  it("reports names that two packages have, and keeps the dependent's", async () => {
    const names = [GREETER, LIBGREET].map((prefix) => join(root, prefix, "share/same"));
    for (const name of names) await writeFile(name, "");
    try {
      const { conflicts } = await makeView({ root, specs: ["greeter"], dir });
      const [kept = "", left = ""] = names;
      expect(conflicts).toEqual([{ path: "share/same", kept, left }]);
      expect(await readlink(join(dir, "share/same"))).toBe(kept);
    } finally {
      for (const name of names) await rm(name);
    }
  });

  it("replaces the view that is there, and nothing else", async () => {
    await makeView({ root, specs: ["greeter"], dir });
    await makeView({ root, specs: ["libgreet"], dir });
    expect(await readdir(dir)).not.toContain("bin");
    const mine = join(dir, "bin");
    await writeFile(mine, "mine");
    expect((await makeView({ root, specs: ["libgreet"], dir })).conflicts).toEqual([]);
    expect(await readFile(mine, "utf8")).toBe("mine");
  });

  it("leaves what others put where a link would be, and says so", async () => {
    await makeView({ root, specs: ["greeter"], dir });
    const mine = join(dir, "bin/greeter");
    await rm(mine);
    await writeFile(mine, "mine");
    const { conflicts } = await makeView({ root, specs: ["greeter"], dir });
    expect(conflicts).toEqual([{ path: "bin/greeter", kept: mine, left: join(root, GREETER, "bin/greeter") }]);
    expect(await readFile(mine, "utf8")).toBe("mine");
  });

  it("refuses a folder with other things in it", async () => {
    await mkdir(dir);
    await writeFile(join(dir, "mine"), "mine");
    await expect(makeView({ root, specs: ["libgreet"], dir })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await readdir(dir)).toEqual(["mine"]);
    await expect(makeView({ root, specs: ["libgreet"], dir: "here" })).rejects.toThrow("absolute");
  });
});

describe("removeView", () => {
  it("removes all of a view", async () => {
    await makeView({ root, specs: ["greeter"], dir });
    await removeView(dir);
    await expect(readdir(dir)).rejects.toThrow("ENOENT");
    expect((await readdir(join(root, GREETER, "bin"))).length).toBeGreaterThan(0);
  });

  it("leaves what isn't the view's", async () => {
    await makeView({ root, specs: ["greeter"], dir });
    await rm(join(dir, "bin/greeter"));
    await writeFile(join(dir, "bin/greeter"), "mine");
    await removeView(dir);
    expect(await readFile(join(dir, "bin/greeter"), "utf8")).toBe("mine");
    expect(await readdir(dir)).toEqual(["bin"]);
    await removeView(dir);
  });

  it("refuses a record that names what is outside", async () => {
    await mkdir(dir);
    await writeFile(join(dir, ".spkoci-view.json"), JSON.stringify({ links: { "../x": "/y" } }));
    await expect(removeView(dir)).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
  });
});
