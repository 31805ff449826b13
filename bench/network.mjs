import { PIGZ_AND_SKOPEO, pigzAndSkopeo } from "./archivers.mjs";
import { compare } from "./compare.mjs";
import { fillCache } from "./filled-cache.mjs";
import { openInput } from "./input.mjs";
import { spkociInstall } from "./install.mjs";
import { LINE, layLine } from "./line.mjs";
import { roundsNote } from "./notes.mjs";
import { spkociPushes } from "./push.mjs";
import { CURL, curlAndTar, skopeoToFolder } from "./unpackers.mjs";

/** Push and install over a slow line. */
export async function measure(session) {
  const input = await openInput(session, "mixed");
  await session.needDisk((session.options.rounds * 8 + 2) * input.bytes);
  const lay = (registry) => layLine(session, registry);
  const push = await compare(session, {
    title: "Push over the line",
    reference: PIGZ_AND_SKOPEO,
    contenders: [pigzAndSkopeo(session, input, lay), ...spkociPushes(session, input, lay)],
  });
  const filled = await fillCache(session, input);
  const line = await layLine(session, filled);
  const cache = { ...filled, ...line, image: `${line.skopeo}:all` };
  const install = await compare(session, {
    title: "Install over the line",
    reference: CURL,
    contenders: [curlAndTar(cache), skopeoToFolder(cache), spkociInstall(session, input, cache, "spkoci install")],
  });
  await line.close();
  await filled.close();
  const { megabits, roundTripMs } = LINE;
  const seconds = (filled.bytes * 8) / (megabits * 1e6);
  const notes = [
    `a line of ${megabits} Mbit/s each way and ${roundTripMs} ms there and back, between the contender and docker-registry`,
    `${input.about}; ${(filled.bytes / 1e6).toFixed(0)} MB of gzip layers, which the line carries in ${seconds.toFixed(2)} s at best`,
    roundsNote(session),
  ];
  return { notes, tables: [push.table, install.table], leftOut: [...push.leftOut, ...install.leftOut] };
}
