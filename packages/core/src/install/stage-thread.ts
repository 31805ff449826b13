// What a thread of StageThreads runs.
import { getPriority, platform, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { serveStages } from "./serve-stages.js";
import type { StageThreadData } from "./stage-threads.js";

/** Where both want a processor, the other thread gets seven tenths of it. */
const STEPS_DOWN = 4;
const LOWEST = 19;

/** Lowers the priority of this thread. Only Linux has priorities of threads. */
function giveWay(): void {
  if (platform() !== "linux") return;
  try {
    setPriority(Math.min(getPriority() + STEPS_DOWN, LOWEST));
  } catch {
    // It isn't allowed everywhere, and only saves time.
  }
}

if (parentPort) {
  if ((workerData as StageThreadData).givesWay) giveWay();
  serveStages(parentPort);
}
