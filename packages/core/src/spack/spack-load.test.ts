import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fixturePath, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { EnvModification } from "./env-modification.js";
import { askSpack } from "./spack-load.js";

const HASHES = ["53zaetjpu7mwvi3vv3n2rag7yc3a4nuh", "4mu7dtu6uktdyijb3md6bvri3ciiwdbm"];
const DEBIAN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Runs askSpack with a `spack` that is this shell script. */
async function ask(
  script: string,
  baseEnv: readonly string[] = [`PATH=${DEBIAN_PATH}`],
  env: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<readonly EnvModification[]> {
  return withTemporaryFolder(async (folder) => {
    const command = join(folder, "spack");
    await writeFile(command, `#!/bin/sh\n${script}\n`);
    await chmod(command, 0o755);
    return askSpack(command, HASHES, baseEnv, { PATH: "/usr/bin:/bin", ...env }, { signal });
  });
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'"'"'`)}'`;

/** A script that prints what Spack would for variables that are prepended to or set. */
function loading(prepended: Readonly<Record<string, string>>, set: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(prepended).map(
    ([name, value]) => `printf "export ${name}=%s;\\n" ${quoted(value)}\${${name}:+:}"$${name}"`,
  );
  const fixed = Object.entries(set).map(([name, value]) => `cat <<'EOT'\nexport ${name}=${quoted(value)};\nEOT`);
  return [...lines, ...fixed].join("\n");
}

function applied(modifications: readonly EnvModification[], baseEnv: readonly string[]): Map<string, string> {
  const variables = new Map(baseEnv.map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]));
  for (const { kind, name, value } of modifications) {
    const old = variables.get(name);
    variables.set(name, kind === "prepend" && old ? `${value}:${old}` : value);
  }
  return variables;
}

describe("askSpack", () => {
  it("asks spack to load the packages by hash for a POSIX shell", async () => {
    expect(await ask(`printf "export ARGS='%s';\\n" "$*"`)).toEqual([
      { kind: "set", name: "ARGS", value: `load --sh /${HASHES[0]} /${HASHES[1]}` },
    ]);
  });

  it("gives the environment of Spack's own image over two roots, but for what comes from the host", async () => {
    const config = JSON.parse(await readFile(fixturePath("samples/with-base.greetings.config.json"), "utf8"));
    const wanted = new Map(
      (config.config.Env as string[]).map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
    const path = (wanted.get("PATH") ?? "").replace(`:${DEBIAN_PATH}`, "");
    const { PATH: _, GREETER_MOTTO: motto = "", ...lists } = Object.fromEntries(wanted);
    const script = loading({ PATH: path, ...lists, SPACK_LOADED_HASHES: "abc" }, { GREETER_MOTTO: motto });
    const base = [`PATH=${DEBIAN_PATH}`, "PKG_CONFIG_PATH=/usr/share/pkgconfig:/base"];
    const env = applied(await ask(script, base), base);
    expect(env.get("PATH")).toBe(wanted.get("PATH"));
    expect(env.get("GREETER_MOTTO")).toBe("hello, $USER & 'friends'");
    expect(env.get("GREETER_DATA_PATH")).toBe(wanted.get("GREETER_DATA_PATH"));
    expect(env.get("CMAKE_PREFIX_PATH")).toBe(wanted.get("CMAKE_PREFIX_PATH"));
    expect(env.get("PKG_CONFIG_PATH")).toBe(
      "/opt/spack/opt/spack/linux-x86_64_v3/libgreet-1.0-vxd7hjtucqhfb2xibbvbaje6fla7ikff/lib/pkgconfig:/usr/share/pkgconfig:/base",
    );
    expect([...env.keys()].filter((name) => /MANPATH|ACLOCAL|LOADED/.test(name))).toEqual([]);
  });

  it("tells what is prepended to a variable of the base from what replaces it", async () => {
    const base = ["PATH=/bin", "LD_LIBRARY_PATH=/usr/local/nvidia/lib", "FLAVOUR=base", "KEPT=1"];
    expect(await ask(loading({ LD_LIBRARY_PATH: "/s/lib" }, { FLAVOUR: "mine" }), base)).toEqual([
      { kind: "prepend", name: "LD_LIBRARY_PATH", value: "/s/lib" },
      { kind: "set", name: "FLAVOUR", value: "mine" },
    ]);
  });

  it("sets a variable whole where something is put behind what the base has", async () => {
    const script = `printf "export PYTHONPATH=/a:%s:/z;\\n" "$PYTHONPATH"; printf "export PATH=/a/bin:%s:/z/bin;\\n" "$PATH"`;
    expect(await ask(script, ["PATH=/bin", "PYTHONPATH=/base/one:/base/two"])).toEqual([
      { kind: "set", name: "PYTHONPATH", value: "/a:/base/one:/base/two:/z" },
      { kind: "set", name: "PATH", value: "/a/bin:/bin:/z/bin" },
    ]);
  });

  it("leaves out the colon at the end of MANPATH", async () => {
    const script = `printf "export MANPATH=/s/man:%s:;\\n" "$MANPATH"`;
    expect(await ask(script, ["MANPATH=/base/man"])).toEqual([{ kind: "prepend", name: "MANPATH", value: "/s/man" }]);
    expect(await ask("echo 'export MANPATH=/s/man:/usr/share/man:;'", [])).toEqual([
      { kind: "set", name: "MANPATH", value: "/s/man" },
    ]);
  });

  it("lets nothing of the caller's shell into the image, nor the base's HOME into spack", async () => {
    const env = {
      SECRET: "s3cret",
      SPACK_LOADED_HASHES: "abc",
      SPACK_ENV: "/env",
      SPACK_USER_CACHE_PATH: "/c",
      HOME: "/home/me",
    };
    const shown = ["SECRET", "SPACK_LOADED_HASHES", "SPACK_ENV", "SPACK_USER_CACHE_PATH", "HOME", "PYTHONHOME"];
    const script = shown.map((name) => `printf "export SEEN_${name}='%s';\\n" "$${name}"`).join("\n");
    const seen = await ask(script, ["HOME=/root", "PYTHONHOME=/base"], env);
    expect(Object.fromEntries(seen.map(({ name, value }) => [name.slice("SEEN_".length), value]))).toEqual({
      SECRET: "",
      SPACK_LOADED_HASHES: "",
      SPACK_ENV: "",
      SPACK_USER_CACHE_PATH: "/c",
      HOME: "/home/me",
      PYTHONHOME: "",
    });
  });

  it("says SPACK_FAILED with what spack said last", async () => {
    await expect(ask("echo '==> Error: No installed packages match' >&2; exit 1")).rejects.toMatchObject({
      code: "SPACK_FAILED",
      message: expect.stringContaining("load failed: ==> Error: No installed packages match"),
    });
  });

  it("stops spack when the call is aborted", async () => {
    const stop = new AbortController();
    const asked = ask("exec sleep 60", [], {}, stop.signal);
    setTimeout(() => stop.abort(new Error("enough")), 50);
    await expect(asked).rejects.toThrow("enough");
  });
});
