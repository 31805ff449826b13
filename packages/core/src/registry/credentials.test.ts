import { chmod, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createTemporaryFolder, type TemporaryFolder } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CredentialPlaces, createCredentialSource } from "./credentials.js";
import { eraseCredentials, saveCredentials } from "./saved-credentials.js";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const ANN = { username: "ann", password: "s3:cret" };
const ANN_ENTRY = { auth: base64("ann:s3:cret") };

/** A helper that keeps what it is given in a file beside it, and logs how it was called. */
const HELPER = `#!/bin/sh
dir=$(dirname "$0")
echo "$1" >> "$dir/calls"
input=$(cat)
case "$1" in
  get) if [ "$input" = broken ]; then echo '{"Secret": s3cret-garbage'; exit 0; fi
       if [ "$input" = fails ]; then echo "s3cret-garbage"; exit 3; fi
       if [ -f "$dir/kept" ] && grep -q "\\"ServerURL\\":\\"$input\\"" "$dir/kept"; then cat "$dir/kept"
       else echo "credentials not found in native keychain"; exit 1; fi ;;
  store) echo "$input" > "$dir/kept" ;;
  erase) rm "$dir/kept" ;;
esac
`;

let folder: TemporaryFolder;
let places: CredentialPlaces;
let config: string;
beforeEach(async () => {
  folder = await createTemporaryFolder();
  places = { env: { PATH: `${folder.path}/bin:/usr/bin:/bin` }, home: folder.path };
  config = join(folder.path, ".docker", "config.json");
  await write(join(folder.path, "bin", "docker-credential-test"), HELPER);
  await chmod(join(folder.path, "bin", "docker-credential-test"), 0o755);
});
afterEach(() => folder.remove());

async function write(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
}

const lookUp = (registry: string, repository?: string, more: Partial<CredentialPlaces> = {}) =>
  createCredentialSource({ ...places, ...more })(registry, repository);

describe("checklist 14: credentials", () => {
  it("are none where there are no files", async () => {
    expect(await lookUp("ghcr.io")).toBeUndefined();
  });

  it("come from docker's config.json by exact host, a password may hold colons", async () => {
    await write(config, { auths: { "ghcr.io": ANN_ENTRY, "https://reg.example:5000/v2/": { ...ANN, auth: "" } } });
    expect(await lookUp("ghcr.io")).toEqual(ANN);
    expect(await lookUp("reg.example:5000")).toEqual(ANN);
    for (const other of ["evil-ghcr.io", "ghcr.io.evil", "sub.ghcr.io", "io", "ghcr.io:443", "reg.example"]) {
      expect(await lookUp(other)).toBeUndefined();
    }
  });

  it("checklist 5: for Docker Hub have the key of old", async () => {
    await write(config, { auths: { "https://index.docker.io/v1/": ANN_ENTRY } });
    expect(await lookUp("docker.io")).toEqual(ANN);
  });

  it("checklist 11: may be identity tokens, of their own or of the user <token>", async () => {
    await write(config, {
      auths: { a: { auth: base64("<token>:"), identitytoken: "idt" }, b: { auth: base64("<token>:idt2") } },
    });
    expect(await lookUp("a")).toEqual({ identityToken: "idt" });
    expect(await lookUp("b")).toEqual({ identityToken: "idt2" });
  });

  it("come from DOCKER_CONFIG, REGISTRY_AUTH_FILE and podman's two places", async () => {
    const env = {
      ...places.env,
      DOCKER_CONFIG: join(folder.path, "d"),
      REGISTRY_AUTH_FILE: join(folder.path, "r.json"),
      XDG_RUNTIME_DIR: join(folder.path, "x"),
    };
    await write(join(folder.path, "d", "config.json"), { auths: { d: ANN_ENTRY, first: ANN_ENTRY } });
    await write(join(folder.path, "r.json"), { auths: { r: ANN_ENTRY, first: { auth: base64("bob:b") } } });
    await write(join(folder.path, "x", "containers", "auth.json"), { auths: { x: ANN_ENTRY } });
    await write(join(folder.path, ".config", "containers", "auth.json"), { auths: { c: ANN_ENTRY } });
    for (const registry of ["d", "r", "x", "c"]) expect(await lookUp(registry, undefined, { env })).toEqual(ANN);
    expect(await lookUp("first", undefined, { env })).toEqual({ username: "bob", password: "b" });
  });

  it("of a part of a repository's path win over the host's, and don't reach beyond it", async () => {
    const auths = {
      "quay.io/org": { auth: base64("org:1") },
      "quay.io/org/a": { auth: base64("a:1") },
      "quay.io": ANN_ENTRY,
    };
    await write(config, { auths });
    expect(await lookUp("quay.io", "org/a")).toMatchObject({ username: "a" });
    expect(await lookUp("quay.io", "org/b/c")).toMatchObject({ username: "org" });
    expect(await lookUp("quay.io", "organic")).toMatchObject({ username: "ann" });
    expect(await lookUp("quay.io")).toMatchObject({ username: "ann" });
  });

  it("of the environment are for the registry they are meant for, and no other", async () => {
    const env = { ...places.env, SPKOCI_USERNAME: "env", SPKOCI_PASSWORD: "pw" };
    expect(await lookUp("ghcr.io", undefined, { env, registry: "ghcr.io" })).toEqual({
      username: "env",
      password: "pw",
    });
    expect(await lookUp("docker.io", undefined, { env, registry: "ghcr.io" })).toBeUndefined();
    expect(await lookUp("ghcr.io", undefined, { env })).toBeUndefined();
  });

  it("come from the helper that is named for the host, else from the one for all", async () => {
    await write(config, { credHelpers: { "ghcr.io": "test" }, auths: { "quay.io": ANN_ENTRY } });
    await write(join(folder.path, "bin", "kept"), '{"ServerURL":"ghcr.io","Username":"h","Secret":"hs"}');
    expect(await lookUp("ghcr.io")).toEqual({ username: "h", password: "hs" });
    expect(await lookUp("quay.io")).toEqual(ANN);
    await write(config, { credsStore: "test", auths: { "ghcr.io": {}, "quay.io": ANN_ENTRY } });
    expect(await lookUp("ghcr.io")).toEqual({ username: "h", password: "hs" });
    expect(await lookUp("quay.io")).toEqual(ANN);
    expect(await lookUp("elsewhere")).toBeUndefined();
  });
});

describe("broken files and helpers", () => {
  const failing: readonly (readonly [string, unknown])[] = [
    ["not JSON", '{"auths": {"x": {"auth": "s3cret-garbage'],
    ["not an object", '["s3cret-garbage"]'],
    ["an entry that is no pair", { auths: { x: { auth: base64("s3cret-garbage") } } }],
    ["a helper with a path for a name", { credsStore: "../../s3cret-garbage" }],
    ["a helper of a longer name than files have", { credsStore: "s3cret-garbage".repeat(20) }],
  ];

  it.each(failing)("are named, never shown: %s", async (_what, content) => {
    await write(config, content);
    const error: Error = await lookUp("x").then(
      () => expect.unreachable(),
      (e: Error) => e,
    );
    expect(error).toMatchObject({ code: "CREDENTIALS_UNREADABLE", message: expect.stringContaining(config) });
    expect(inspectDeeply(error)).not.toContain("s3cret-garbage");
  });

  it.each(["broken", "fails"])("are told apart from absence: a helper whose answer %s", async (registry) => {
    await write(config, { credsStore: "test" });
    const error: Error = await lookUp(registry).then(
      () => expect.unreachable(),
      (e: Error) => e,
    );
    expect(error).toMatchObject({
      code: "CREDENTIALS_UNREADABLE",
      message: expect.stringContaining("docker-credential-test"),
    });
    expect(inspectDeeply(error)).not.toContain("s3cret-garbage");
  });

  it("name a helper that is not installed", async () => {
    await write(config, { credsStore: "nowhere" });
    await expect(lookUp("x")).rejects.toThrow("docker-credential-nowhere failed for x: it is not on PATH");
  });

  it("name a helper that the system does not start, with its reason", async () => {
    await write(config, { credHelpers: { a: "shut", b: "test" } });
    await write(join(folder.path, "bin", "docker-credential-shut"), "#!/bin/sh\n");
    await expect(lookUp("a")).rejects.toMatchObject({
      code: "CREDENTIALS_UNREADABLE",
      message: "the credential helper docker-credential-shut failed for a: it can't be run (EACCES)",
    });
    const env = { ...places.env, LONG: "x".repeat(200_000) };
    await expect(lookUp("b", undefined, { env })).rejects.toMatchObject({
      code: "CREDENTIALS_UNREADABLE",
      message: "the credential helper docker-credential-test failed for b: it can't be run (E2BIG)",
    });
  });

  it("name a helper that a signal ended", async () => {
    await write(config, { credsStore: "killed" });
    const helper = join(folder.path, "bin", "docker-credential-killed");
    await write(helper, "#!/bin/sh\nkill -9 $$\n");
    await chmod(helper, 0o755);
    await expect(lookUp("x")).rejects.toThrow("docker-credential-killed failed for x: it was ended by SIGKILL");
  });
});

describe("saveCredentials and eraseCredentials", () => {
  it("keep what else is in config.json, make it private, and leave a link a link", async () => {
    const real = join(folder.path, "real.json");
    await write(real, {
      psFormat: "x",
      auths: { other: ANN_ENTRY, "https://index.docker.io/v1/": {} },
      unknown: { a: [1] },
    });
    await mkdir(dirname(config));
    await symlink(real, config);
    expect(await saveCredentials("docker.io", ANN, places)).toEqual({ kind: "file", name: config });
    expect(JSON.parse(await readFile(real, "utf8"))).toEqual({
      psFormat: "x",
      auths: { other: ANN_ENTRY, "https://index.docker.io/v1/": ANN_ENTRY },
      unknown: { a: [1] },
    });
    expect((await stat(real)).mode & 0o777).toBe(0o600);
    expect(await lookUp("docker.io")).toEqual(ANN);
  });

  it("make the file where there is none, replace older keys, and keep identity tokens", async () => {
    await saveCredentials("ghcr.io", ANN, places);
    await write(config, { auths: { "https://ghcr.io/v2/": ANN_ENTRY } });
    await saveCredentials("ghcr.io", { identityToken: "idt" }, places);
    expect(await lookUp("ghcr.io")).toEqual({ identityToken: "idt" });
    expect(await eraseCredentials("ghcr.io", places)).toEqual({ kind: "file", name: config });
    expect(await lookUp("ghcr.io")).toBeUndefined();
    expect(await eraseCredentials("ghcr.io", places)).toBeUndefined();
  });

  it("go to the helper that config.json names, and the password not into the file", async () => {
    await write(config, { credsStore: "test" });
    expect(await saveCredentials("docker.io", ANN, places)).toEqual({ kind: "helper", name: "docker-credential-test" });
    expect(await readFile(config, "utf8")).not.toContain(ANN_ENTRY.auth);
    expect(await lookUp("docker.io")).toEqual(ANN);
    expect(await eraseCredentials("docker.io", places)).toEqual({ kind: "helper", name: "docker-credential-test" });
    expect(await lookUp("docker.io")).toBeUndefined();
    expect(await eraseCredentials("docker.io", places)).toBeUndefined();
  });

  it("leave a broken config.json as it is", async () => {
    await write(config, "{broken");
    await expect(saveCredentials("ghcr.io", ANN, places)).rejects.toMatchObject({ code: "CREDENTIALS_UNREADABLE" });
    expect(await readFile(config, "utf8")).toBe("{broken");
  });
});

function inspectDeeply(error: Error): string {
  const { message, stack, cause } = error;
  return JSON.stringify([message, stack, String(cause), { ...error }]);
}
