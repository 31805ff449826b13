import { archivers, PIGZ, PIGZ_AND_SKOPEO, pigzAndSkopeo } from "./archivers.mjs";
import { compare } from "./compare.mjs";
import { fillCache } from "./filled-cache.mjs";
import { makeInput } from "./input.mjs";
import { spkociInstall } from "./install.mjs";
import { roundsNote } from "./notes.mjs";
import { spkociPushes } from "./push.mjs";
import { CURL, curlAndTar } from "./unpackers.mjs";

const PUSH = "spkoci push";
const INSTALL = "spkoci install";

/** One package that is larger than memory should ever hold. */
export async function measure(session) {
  const input = await makeInput(session, "huge");
  await session.needDisk((session.options.rounds * 7 + 1) * input.bytes);
  const push = await compare(session, {
    title: "Push of one package to an empty docker-registry",
    reference: PIGZ_AND_SKOPEO,
    contenders: [...archivers(input), pigzAndSkopeo(session, input), ...spkociPushes(session, input)],
    targets: [
      { row: PUSH, of: PIGZ_AND_SKOPEO, atMost: 0.8 },
      { row: PUSH, of: PIGZ, key: "bytes", atMost: 1.025 },
      { row: PUSH, key: "peakBytes", atMost: 200e6 },
    ],
  });
  const cache = await fillCache(session, input);
  const install = await compare(session, {
    title: "Install of one package from docker-registry",
    reference: CURL,
    contenders: [curlAndTar(cache), spkociInstall(session, input, cache, INSTALL)],
    targets: [
      { row: INSTALL, of: CURL, atMost: 1.25 },
      { row: INSTALL, key: "peakBytes", atMost: 250e6 },
    ],
  });
  await cache.close();
  const about = `${input.about}; ${(cache.bytes / 1e6).toFixed(0)} MB of gzip layers`;
  return {
    notes: [about, roundsNote(session)],
    tables: [push.table, install.table],
    leftOut: [...push.leftOut, ...install.leftOut],
  };
}
