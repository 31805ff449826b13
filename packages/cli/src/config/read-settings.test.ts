import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSettings, type SettingSources } from "./read-settings.js";
import { SETTING_KEYS, SETTINGS, variableOf } from "./settings.js";

let folder: TemporaryFolder;
let home: string;
let project: string;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  home = join(folder.path, "home");
  project = join(folder.path, "project");
  await mkdir(join(home, ".config", "spkoci"), { recursive: true });
  await mkdir(join(project, "deep", "er"), { recursive: true });
});

afterEach(() => folder.remove());

const userFile = (): string => join(home, ".config", "spkoci", "config.yaml");
const projectFile = (): string => join(project, "spkoci.yaml");

function read(more: Partial<SettingSources> = {}): ReturnType<typeof readSettings> {
  return readSettings({ flags: {}, env: {}, cwd: join(project, "deep", "er"), home, ...more });
}

describe("precedence", () => {
  it("is option, variable, project's file, user's file", async () => {
    await writeFile(userFile(), "jobs: 1\ncompression: zstd\nrun-env: spack\nplatform: linux/s390x\n");
    await writeFile(projectFile(), "jobs: 2\ncompression: gzip\nrun-env: prefix\n");
    const env = { SPKOCI_JOBS: "3", SPKOCI_COMPRESSION: "zstd" };
    const { settings } = await read({ env, flags: { jobs: "4" } });
    expect(settings).toMatchObject({ jobs: 4, compression: "zstd", "run-env": "prefix", platform: "linux/s390x" });
  });

  it("has nothing where nothing is set", async () => {
    const { settings, warnings } = await read();
    expect(Object.values(settings).filter((value) => value !== undefined)).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it("adds labels and variables of images up", async () => {
    await writeFile(userFile(), "label: {a: user, b: user}\nset-env: {X: '1'}\n");
    await writeFile(projectFile(), "label: {b: project, c: project}\n");
    const { settings } = await read({ flags: { label: ["c=option=with=signs"], "set-env": ["Y="] } });
    expect(settings.label).toEqual({ a: "user", b: "project", c: "option=with=signs" });
    expect(settings["set-env"]).toEqual({ X: "1", Y: "" });
  });

  it("lets the nearest project's file win, and reads no other", async () => {
    await writeFile(projectFile(), "jobs: 2\nplatform: linux/amd64\n");
    await writeFile(join(project, "deep", "spkoci.yaml"), "jobs: 3\n");
    const { settings } = await read();
    expect(settings.jobs).toBe(3);
    expect(settings.platform).toBeUndefined();
  });

  it("reads the file of --config or SPKOCI_CONFIG instead of the others", async () => {
    await writeFile(userFile(), "platform: linux/amd64\n");
    await writeFile(projectFile(), "jobs: 2\n");
    await writeFile(join(project, "one.yaml"), "jobs: 5\nplain-http: true\n");
    await writeFile(join(project, "two.yaml"), "jobs: 6\n");
    const byOption = await read({ cwd: project, configFile: "one.yaml", env: { SPKOCI_CONFIG: "two.yaml" } });
    expect(byOption.settings).toMatchObject({ jobs: 5, "plain-http": true });
    expect(byOption.settings.platform).toBeUndefined();
    const byVariable = await read({ cwd: project, env: { SPKOCI_CONFIG: "two.yaml" } });
    expect(byVariable.settings.jobs).toBe(6);
  });

  it("uses $XDG_CONFIG_HOME if it is absolute", async () => {
    const other = join(folder.path, "xdg");
    await mkdir(join(other, "spkoci"), { recursive: true });
    await writeFile(join(other, "spkoci", "config.yaml"), "jobs: 7\n");
    await writeFile(userFile(), "jobs: 1\n");
    expect((await read({ env: { XDG_CONFIG_HOME: other } })).settings.jobs).toBe(7);
    expect((await read({ env: { XDG_CONFIG_HOME: "relative" } })).settings.jobs).toBe(1);
  });

  it("takes an empty variable as unset and an empty file as no settings", async () => {
    await writeFile(userFile(), "jobs: 3\n");
    await writeFile(projectFile(), "# nothing yet\n");
    expect((await read({ env: { SPKOCI_JOBS: "" } })).settings.jobs).toBe(3);
  });
});

describe("values", () => {
  it("completes relative paths by the folder of their origin", async () => {
    await writeFile(projectFile(), "cache-dir: cache\nbase-image: oci:base:tag\nupstream: [up, /abs]\n");
    const { settings } = await read({ flags: { store: "store" } });
    expect(settings["cache-dir"]).toBe(join(project, "cache"));
    expect(settings["base-image"]).toBe(`oci:${join(project, "base:tag")}`);
    expect(settings.upstream).toEqual([join(project, "up"), "/abs"]);
    expect(settings.store).toBe(join(project, "deep", "er", "store"));
  });

  it("leaves a base image of an option as it was typed", async () => {
    const { settings } = await read({ flags: { "base-image": "oci:base" } });
    expect(settings["base-image"]).toBe("oci:base");
  });

  it("splits lists of variables at colons and knows words for switches", async () => {
    const env = { SPKOCI_UPSTREAM: "/a::/b", SPKOCI_PLAIN_HTTP: "Yes", SPKOCI_UPDATE_INDEX: "0" };
    const { settings } = await read({ env });
    expect(settings.upstream).toEqual(["/a", "/b"]);
    expect(settings["plain-http"]).toBe(true);
    expect(settings["update-index"]).toBe(false);
  });

  it("reads commands as Dockerfiles do", async () => {
    await writeFile(projectFile(), "cmd: [bash, -l]\nentrypoint: exec env\n");
    expect((await read()).settings).toMatchObject({ cmd: ["bash", "-l"], entrypoint: ["/bin/sh", "-c", "exec env"] });
    expect((await read({ flags: { cmd: '["sh"]' } })).settings.cmd).toEqual(["sh"]);
  });

  it("has a variable only where one setting can't be taken for another", () => {
    expect(SETTING_KEYS.filter((key) => SETTINGS[key].hasVariable).map(variableOf)).not.toContain("SPKOCI_USER");
  });
});

describe("errors", () => {
  it.each([
    ["jobs: many", "jobs: must be a whole number from 1 to 256"],
    ["jobs: 0", "jobs: must be at least 1"],
    ["chunk-size: 5M", "chunk-size: must be a whole number of MiB from 1 to 1024"],
    ["compression: xz", "compression: must be gzip or zstd"],
    ["label: {a: 1}", "label.a: must be a text (put it in quotes)"],
    ["upstream: /one", "upstream: must be a list of folders"],
    ["cmd: '[\"a'", "cmd: begins with [ but is not a JSON list of texts"],
    ["store: ''", "store: must not be empty"],
  ])("name the file and the key for %s", async (text, problem) => {
    await writeFile(projectFile(), text);
    await expect(read()).rejects.toMatchObject({ code: "INVALID_CONFIG", message: `${projectFile()}: ${problem}` });
  });

  it("offer the key that was meant", async () => {
    await writeFile(userFile(), "cache_dir: /tmp\n");
    await expect(read()).rejects.toMatchObject({
      message: `${userFile()}: cache_dir: there is no such setting`,
      hint: "Did you mean cache-dir?",
    });
  });

  it("refuse the key __proto__ like any other that is unknown", async () => {
    await writeFile(userFile(), "__proto__: {jobs: 3}\n");
    await expect(read()).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });

  it("say of a file that can't be read what to do", async () => {
    await mkdir(userFile(), { recursive: true });
    await expect(read()).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      message: `${userFile()}: it can't be read: EISDIR`,
      hint: expect.stringContaining("--config"),
    });
  });

  it.each(["- a\n- b\n", "just text\n"])("name a file that is no map: %j", async (text) => {
    await writeFile(userFile(), text);
    await expect(read()).rejects.toMatchObject({ message: `${userFile()}: must be a map of settings` });
  });

  it.each(["jobs: [1\n", "jobs: 1\njobs: 2\n", "a: &a [*b]\n"])("name a file that is not YAML: %j", async (text) => {
    await writeFile(userFile(), text);
    await expect(read()).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      message: expect.stringContaining(userFile()),
    });
  });

  it("name the variable", async () => {
    await expect(read({ env: { SPKOCI_JOBS: "3x" } })).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      message: "SPKOCI_JOBS: must be a whole number from 1 to 256",
    });
  });

  it("name the option", async () => {
    const code = "INVALID_ARGUMENT";
    await expect(read({ flags: { jobs: "-1" } })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^--jobs: /),
    });
    await expect(read({ flags: { label: ["nothing"] } })).rejects.toMatchObject({
      code,
      message: '--label: "nothing" is not KEY=VALUE',
    });
  });

  it("tell when the file of --config is not there", async () => {
    await expect(read({ configFile: "none.yaml" })).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });

  it.each(["plain-http: true", "insecure-skip-verify: false", "ca-file: ca.pem"])(
    "refuse %s in a project's file",
    async (text) => {
      await writeFile(projectFile(), text);
      await expect(read()).rejects.toMatchObject({ message: expect.stringContaining("can't decide whom to trust") });
      await writeFile(projectFile(), "");
      await writeFile(userFile(), text);
      await expect(read()).resolves.toBeDefined();
    },
  );

  it("warn of a variable that is not known and offer the one that was meant", async () => {
    const { warnings } = await read({ env: { SPKOCI_CACHEDIR: "/x", SPKOCI_USERNAME: "me" } });
    expect(warnings).toEqual([
      {
        message: "SPKOCI_CACHEDIR is no variable that spkoci reads",
        hint: expect.stringContaining("SPKOCI_CACHE_DIR"),
      },
    ]);
  });
});
