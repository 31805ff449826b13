import { compare } from "./compare.mjs";
import { fillCache } from "./filled-cache.mjs";
import { openInput } from "./input.mjs";
import { roundsNote } from "./notes.mjs";
import { spackInstall } from "./spack.mjs";
import { installWords, spkoci } from "./spkoci.mjs";
import { CURL, curlAndTar, curlAndTarZstd, skopeoToFolder, tarFromDisk, umoci } from "./unpackers.mjs";

const SPKOCI = "spkoci install";
const WARM = "spkoci install, layers in the local cache";
const ZSTD = "spkoci install, zstd";
const SPACK = "spack install";
const FROM_DISK = "tar xz from files, two at a time";

/** Everything of a store from a registry into an empty store, relocated. */
export async function measure(session) {
  const input = await openInput(session, "mixed");
  await session.needDisk((session.options.rounds * 9 + 3) * input.bytes);
  const gzip = await fillCache(session, input);
  const noZstd = process.versions.zstd === undefined ? `Node ${process.versions.node} has no zstd` : undefined;
  const zstd = noZstd ? undefined : await fillCache(session, input, "--compression zstd");
  const { table, leftOut } = await compare(session, {
    title: "Install from docker-registry",
    reference: CURL,
    contenders: [
      curlAndTar(gzip),
      umoci(session, gzip),
      skopeoToFolder(gzip),
      spkociInstall(session, input, gzip, SPKOCI),
      warmInstall(session, input, gzip),
      tarFromDisk(session, gzip, FROM_DISK),
      curlAndTarZstd(zstd, noZstd),
      { ...spkociInstall(session, input, zstd, ZSTD), unless: noZstd },
      ...spackInstall(session, input, gzip, SPACK),
    ],
    targets: [
      { row: SPKOCI, of: CURL, atMost: 1 },
      { row: SPKOCI, of: CURL, atMost: 1.25 },
      { row: ZSTD, of: CURL, atMost: 0.8 },
      { row: SPKOCI, key: "peakBytes", atMost: 250e6 },
      { row: ZSTD, key: "peakBytes", atMost: 250e6 },
    ],
  });
  await gzip.close();
  await zstd?.close();
  const notes = [input.about, `${(gzip.bytes / 1e6).toFixed(0)} MB of gzip layers`, roundsNote(session)];
  if (zstd) notes.splice(2, 0, `${(zstd.bytes / 1e6).toFixed(0)} MB of zstd layers`);
  return { notes, tables: [table], leftOut };
}

/** An install with empty caches. Its local cache stays for `warmInstall`, if that comes next. */
export function spkociInstall(session, input, cache, label) {
  return {
    label,
    async run({ folder, shared, time }) {
      shared.cacheFolder ??= `${folder}/cache`;
      await time(spkoci(session, installWords(input, cache.source, await session.newFolder())));
    },
  };
}

function warmInstall(session, input, cache) {
  return {
    label: WARM,
    goesOn: true,
    async run({ shared, time }) {
      const env = { SPKOCI_CACHE_DIR: shared.cacheFolder };
      await time(spkoci(session, installWords(input, cache.source, await session.newFolder())), env);
    },
  };
}
