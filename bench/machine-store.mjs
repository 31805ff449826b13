import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const SOURCES = ["/usr/lib", "/usr/share", "/usr/bin"];
const STORE = "/opt/spack/opt/spack";

/**
 * Makes a Spack store under `sysroot` from files of this machine: `packages` packages of about `bytes` in all. Which files, and in which
 * package, depends on the machine only. Resolves to the store's root as recorded and the number of files and bytes.
 */
export async function makeMachineStore(sysroot, { bytes = 200_000_000, packages = 8 } = {}) {
  const installs = {};
  const total = { files: 0, bytes: 0 };
  const files = regularFiles(SOURCES);
  for (let number = 1; number <= packages; number += 1) {
    const node = describeNode(`sample-${number}`);
    const path = `${STORE}/linux-x86_64/${node.name}-1.0-${node.hash}`;
    installs[node.hash] = { spec: node, path, installed: true, ref_count: 0, explicit: true, installation_time: 0 };
    const prefix = join(sysroot, path);
    await mkdir(join(prefix, ".spack"), { recursive: true });
    const spec = { spec: { _meta: { version: 5 }, nodes: [node] } };
    await writeFile(join(prefix, ".spack/spec.json"), JSON.stringify(spec));
    for (let size = 0; size < bytes / packages; ) {
      const { value: file, done } = await files.next();
      if (done) break;
      const copy = join(prefix, "lib", file.path);
      await mkdir(dirname(copy), { recursive: true });
      await copyFile(file.path, copy);
      size += file.size;
      total.files += 1;
      total.bytes += file.size;
    }
  }
  const database = join(sysroot, STORE, ".spack-db");
  await mkdir(database, { recursive: true });
  await writeFile(join(database, "index.json"), JSON.stringify({ database: { version: "8", installs } }));
  return { store: STORE, ...total };
}

/** Readable regular files under the folders, sorted, none over 20 MB. */
async function* regularFiles(folders) {
  for (const folder of folders) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) yield* regularFiles([path]);
      if (!entry.isFile()) continue;
      const { size, mode } = await stat(path);
      if (size <= 20_000_000 && (mode & 0o444) === 0o444) yield { path, size };
    }
  }
}

/** A node with the DAG hash that Spack gives it: base32 of the SHA-1 of its JSON. */
function describeNode(name) {
  const node = {
    name,
    version: "1.0",
    arch: { platform: "linux", platform_os: "debian12", target: "x86_64" },
    namespace: "bench",
    parameters: { build_system: "generic" },
    package_hash: "bench",
    annotations: { original_specfile_version: 5 },
  };
  return { ...node, hash: base32(createHash("sha1").update(JSON.stringify(node)).digest()) };
}

function base32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits
    .match(/.{5}/g)
    .map((five) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(five, 2)])
    .join("");
}
