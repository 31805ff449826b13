import { createCipheriv, createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { computeDagHash } from "@spkoci/core";
import { elfFiles, smallFiles } from "./machine-files.mjs";

const STORE = "/opt/spack/opt/spack";
const CHUNK = 1 << 20;

/** Every so manyth small file names its prefix, as installed text does. */
const PREFIX_IN = 20;

/**
 * Plans of stores: for each package the bytes of small files, of ELF files, of incompressible data, and of one large file that is half
 * text and half ELF. What is in them depends on the files of this machine and on nothing else.
 */
export const PLANS = {
  /** Twelve packages with 300 MB, most of it in one, as python with its dependencies has. */
  mixed(scale) {
    const sizes = Array.from({ length: 12 }, (_, index) => (scale * 200e6) / (index + 1) ** 2);
    return sizes.map((size) => ({ small: size * 0.5, elf: size * 0.4, random: size * 0.1 }));
  },
  /** 200 packages of 8 kB to 4 MB: of small files, of ELF files, incompressible, and of all three. */
  many(scale) {
    return Array.from({ length: 200 }, (_, index) => {
      const size = scale * 8000 * 512 ** (((index * 89) % 200) / 199);
      const kinds = [["small"], ["elf"], ["random"], ["small", "elf", "random"]][index % 4];
      return Object.fromEntries(kinds.map((kind) => [kind, size / kinds.length]));
    });
  },
  /** One package of 2 GB: a file of 1 GB, incompressible data, programs, and small files. */
  huge(scale) {
    return [{ large: scale * 1e9, random: scale * 250e6, elf: scale * 500e6, small: scale * 250e6 }];
  },
};

/** Makes the store of a plan under `sysroot`; resolves to the root as recorded, the sysroot, and what it is made of, as text. */
export async function makeMachineStore(sysroot, plan) {
  const sources = { small: smallFiles(), elf: elfFiles() };
  const installs = {};
  let total = 0;
  for (const [index, parts] of plan.entries()) {
    const node = describeNode(`sample-${index + 1}`);
    const path = `${STORE}/linux-x86_64/${node.name}-1.0-${node.hash}`;
    installs[node.hash] = { spec: node, path, installed: true, ref_count: 0, explicit: true, installation_time: 0 };
    const prefix = join(sysroot, path);
    await mkdir(join(prefix, ".spack"), { recursive: true });
    await writeFile(
      join(prefix, ".spack/spec.json"),
      JSON.stringify({ spec: { _meta: { version: 5 }, nodes: [node] } }),
    );
    total += await fillPrefix(prefix, { recorded: path, seed: node.hash, parts, sources });
  }
  const database = join(sysroot, STORE, ".spack-db");
  await mkdir(database, { recursive: true });
  await writeFile(join(database, "index.json"), JSON.stringify({ database: { version: "8", installs } }));
  return { store: STORE, sysroot, about: `a store made of ${total} files of this machine` };
}

/** Resolves to the number of files that it copied. */
async function fillPrefix(prefix, { recorded, seed, parts, sources }) {
  const { small = 0, elf = 0, random = 0, large = 0 } = parts;
  let number = 0;
  for await (const file of upTo(small, sources.small)) {
    const copy = await placeFor(prefix, "share", file.path, number);
    if (number % PREFIX_IN === 0) {
      await writeFile(copy, Buffer.concat([Buffer.from(`# ${recorded}/bin\n`), await readFile(file.path)]));
    } else await copyFile(file.path, copy);
    number += 1;
  }
  for await (const file of upTo(elf, sources.elf)) {
    await copyFile(file.path, await placeFor(prefix, "lib", file.path, number));
    number += 1;
  }
  if (random > 0) await writeChunks(join(prefix, "data.bin"), randomChunks(seed, random));
  if (large > 0) await writeChunks(join(prefix, "large.bin"), mixedChunks(large));
  return number;
}

/** Files until their sizes sum up to `bytes`. */
async function* upTo(bytes, files) {
  for (let sum = 0; sum < bytes; ) {
    const { value } = await files.next();
    sum += value.size;
    yield value;
  }
}

/** A path for a copy: a folder for each hundred files, since one file may be in a package more than once. */
async function placeFor(prefix, folder, path, number) {
  const place = join(
    prefix,
    folder,
    basename(dirname(path)),
    `${Math.floor(number / 100)}`,
    `${number}-${basename(path)}`,
  );
  await mkdir(dirname(place), { recursive: true });
  return place;
}

async function writeChunks(path, chunks) {
  await pipeline(chunks, createWriteStream(path));
}

/** Bytes that look random and are the same for the same seed. */
async function* randomChunks(seed, bytes) {
  const key = createHash("sha256").update(seed).digest();
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK);
  for (let left = Math.floor(bytes); left > 0; left -= CHUNK)
    yield cipher.update(zeros.subarray(0, Math.min(left, CHUNK)));
}

/** Programs and small files in turn. */
async function* mixedChunks(bytes) {
  const sources = [smallFiles(), elfFiles()];
  const sums = [0, 0];
  while (sums[0] + sums[1] < bytes) {
    const turn = sums[0] <= sums[1] ? 0 : 1;
    const { value } = await sources[turn].next();
    const content = await readFile(value.path);
    sums[turn] += content.length;
    yield content;
  }
}

/** A node with the DAG hash that Spack gives it. */
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
  return { ...node, hash: computeDagHash({ text: JSON.stringify(node) }) };
}
