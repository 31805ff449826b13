import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { profileOf } from "./profile.mjs";
import { hasProgram } from "./programs.mjs";

/**
 * Runs every contender once a round, in turn. A contender has a label and `run({ folder, number, shared, time })`: `folder` is its own and
 * new, `number` that of the round, from 1, `shared` an object that the contenders of a round share, and `time(command, env)` runs a command
 * of the shell and adds what it took to the contender's sample; what lies between is not measured. What `run` resolves to is added to the
 * sample: `bytes`, `requests`. One that has `goesOn` uses what the one before it left, which is removed otherwise where files are in memory.
 * Resolves to a row for each contender: label, samples, and `failure` if it failed; it is not run again then.
 */
export async function measureInTurn(session, contenders) {
  const rounds = session.options.rounds;
  const rows = contenders.map(({ label }) => ({ label, samples: [] }));
  for (let number = 1; number <= rounds; number += 1) {
    const shared = {};
    const before = session.folders();
    for (const [index, { label, run, goesOn }] of contenders.entries()) {
      const row = rows[index];
      if (row.failure !== undefined) continue;
      if (!goesOn) await session.removeAfter(before);
      console.error(`round ${number} of ${rounds}: ${label}`);
      const folder = await session.newFolder();
      const sample = { seconds: 0, cpuSeconds: 0, peakBytes: 0 };
      const time = (command, env) => addTime(sample, session, folder, command, env);
      try {
        row.samples.push(Object.assign(sample, await run({ folder, number, shared, time })));
        console.error(`    ${sample.seconds.toFixed(2)} s`);
      } catch (error) {
        if (session.isStopped()) throw error;
        row.failure = error.message;
        console.error(`    failed: ${error.message}`);
      }
      if (session.options.profile) row.profile ??= await profileOf(session, folder, label);
    }
    await session.removeAfter(before);
  }
  return rows;
}

/** Adds seconds, seconds of processor of the whole process tree, and the peak of its largest process: GNU time counts the latter two. */
async function addTime(sample, session, folder, command, env) {
  const note = join(folder, "time");
  const bash = ["bash", "-o", "pipefail", "-ec", command];
  const counted = (await hasProgram("time")) ? ["time", "-q", "-f", "%U %S %M", "-o", note, ...bash] : bash;
  // What the last one left to be written would slow this one.
  await session.run("sync", []);
  const started = performance.now();
  const { code, stderr } = await session.run(counted[0], counted.slice(1), {
    cwd: folder,
    env: ownPlaces(folder, env),
  });
  sample.seconds += (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`exit code ${code}, ${stderr.trim().slice(0, 500) || command.slice(0, 200)}`);
  if (counted === bash) return;
  const [user, system, kilobytes] = (await readFile(note, "utf8")).trim().split(" ").map(Number);
  sample.cpuSeconds += user + system;
  sample.peakBytes = Math.max(sample.peakBytes, kilobytes * 1024);
}

/** The user's caches and configuration are no part of what is measured. */
function ownPlaces(folder, env) {
  return { HOME: folder, SPKOCI_CACHE_DIR: join(folder, "cache"), XDG_CONFIG_HOME: join(folder, "config"), ...env };
}
