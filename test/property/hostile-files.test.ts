import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Credentials,
  createCredentialSource,
  readInstallStore,
  SpkociError,
  saveCredentials,
  selectSpecs,
} from "@spkoci/core";
import { type HostileFile, readHostileFiles, withTemporaryFolder } from "@spkoci/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSettings } from "../../packages/cli/src/config/read-settings.js";
import { closureOf } from "../../packages/core/src/spack/closure.js";
import { parseDatabase } from "../../packages/core/src/spack/database.js";
import { fuzzing, hostileText, mutated, mutations, survivingLater } from "./support/fuzz.js";

const REGISTRY = "registry.example";

/** Words of the corpus that are secrets. */
const SECRETS = ["c3VwZXJzZWNyZXQ6", "supersecret", "topsecretword"];

function expectOutcome(result: unknown, { outcome }: Pick<HostileFile, "outcome">): void {
  const code = result instanceof SpkociError ? result.code : "harmless";
  expect(code, String(result)).toBe(outcome);
}

async function lookUp(text: string | Buffer): Promise<Credentials | SpkociError | undefined> {
  return withTemporaryFolder(async (home) => {
    await mkdir(join(home, ".docker"));
    await writeFile(join(home, ".docker/config.json"), text);
    const places = { env: { PATH: home }, home };
    const found = await survivingLater(() => createCredentialSource(places)(REGISTRY, "org/cache"));
    await survivingLater(() => saveCredentials(REGISTRY, { username: "ann", password: "x" }, places));
    expect((await readdir(home)).sort()).toEqual([".docker"]);
    expect(await readdir(join(home, ".docker"))).toEqual(["config.json"]);
    return found;
  });
}

describe("credentials", () => {
  it.each(readHostileFiles("credentials"))("$file: $outcome", async (file) => {
    const found = await lookUp(file.bytes);
    expectOutcome(found, file);
    if (!(found instanceof SpkociError)) expect(found).toBeUndefined();
    for (const secret of SECRETS) expect(`${found} ${(found as SpkociError | undefined)?.hint}`).not.toContain(secret);
  });

  it("are found or the file is refused, whatever it holds", async () => {
    const auth = Buffer.from("ann:pass").toString("base64");
    const sound = { auths: { [REGISTRY]: { auth }, other: {} }, credHelpers: { "a.example": "x" }, credsStore: "" };
    await fc.assert(
      fc.asyncProperty(mutations, async (changes) => {
        await lookUp(mutated(sound, changes));
      }),
      fuzzing("credential files", 300),
    );
  });
});

async function settingsOf(text: string | Buffer): Promise<unknown> {
  return withTemporaryFolder(async (folder) => {
    const path = join(folder, "config.yaml");
    await writeFile(path, text);
    const sources = { flags: {}, env: {}, cwd: folder, home: folder, configFile: path };
    return survivingLater(() => readSettings(sources));
  });
}

describe("settings", () => {
  it.each(readHostileFiles("settings"))("$file: $outcome", async (file) => {
    expectOutcome(await settingsOf(file.bytes), file);
  });

  it("are read or refused, whatever the file holds", async () => {
    const word = fc.oneof(
      hostileText,
      fc.constantFrom(
        "jobs",
        "base-image",
        "label",
        ": ",
        "\n",
        "  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "<<: ",
        "1",
        "true",
        '"',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 10 }), async (words) => {
        await settingsOf(words.join(""));
      }),
      fuzzing("settings", 300),
    );
  });
});

describe("databases", () => {
  it.each(readHostileFiles("databases"))("$file: $outcome", async (file) => {
    await withTemporaryFolder(async (sysroot) => {
      const root = "/opt/store";
      await mkdir(join(sysroot, root, ".spack-db"), { recursive: true });
      await writeFile(join(sysroot, root, ".spack-db/index.json"), file.bytes);
      const run = async (): Promise<unknown> => {
        const store = await readInstallStore({ root, sysroot });
        return closureOf(store, await selectSpecs(store, { all: true }));
      };
      expectOutcome(await survivingLater(run), file);
    });
  });

  it("of half a million edges are read", () => {
    const hash = "a".repeat(32);
    const edge = { name: "a", hash, parameters: { deptypes: ["link"], virtuals: [] } };
    const spec = { name: "a", version: "1", hash, dependencies: Array.from({ length: 500_000 }, () => edge) };
    const text = JSON.stringify({
      database: { version: "8", installs: { [hash]: { spec, installed: true, path: "/a" } } },
    });
    expect(parseDatabase(text, "it").records.get(hash)?.spec.dependencies).toHaveLength(500_000);
  });
});
