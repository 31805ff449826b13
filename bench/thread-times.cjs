// node -r bench/thread-times.cjs PROGRAM
// Writes the seconds of processor of each kind of thread to profile/threads-PID.json when the process ends. A thread that ended before
// it counts up to the last look, of which there are ten a second. Linux only.
const { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } = require("node:fs");
const { isMainThread } = require("node:worker_threads");

/** Of a clock tick, which Linux has a hundred of in a second. */
const TICK = 0.01;
const FOLDER = "profile";
const ownThread = readlinkSync("/proc/thread-self").split("/").at(-1);

mkdirSync(FOLDER, { recursive: true });
if (isMainThread) watchThreads();
else writeFileSync(`${FOLDER}/worker-${ownThread}`, "");

function watchThreads() {
  const ofNode = new Set(threads());
  const seconds = new Map();
  const look = () => {
    for (const thread of threads()) {
      const used = secondsOf(thread);
      if (used !== undefined) seconds.set(thread, used);
    }
  };
  setInterval(look, 100).unref();
  process.on("exit", () => {
    look();
    const workers = new Set(readdirSync(FOLDER).flatMap((name) => /^worker-(\d+)$/.exec(name)?.[1] ?? []));
    const kindOf = (thread) => {
      if (thread === ownThread) return "main thread";
      if (ofNode.has(thread)) return "V8's threads";
      return workers.has(thread) ? "workers" : "libuv's threads";
    };
    const sums = {};
    for (const [thread, used] of seconds) {
      const kind = kindOf(thread);
      sums[kind] = (sums[kind] ?? 0) + used;
    }
    writeFileSync(`${FOLDER}/threads-${process.pid}.json`, JSON.stringify(sums));
  });
}

function threads() {
  return readdirSync("/proc/self/task");
}

/** User and system time together; undefined if the thread has just ended. */
function secondsOf(thread) {
  try {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK;
  } catch {
    return undefined;
  }
}
