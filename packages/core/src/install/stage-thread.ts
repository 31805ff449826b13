// What a thread of StageThreads runs.
import { parentPort } from "node:worker_threads";
import { serveStages } from "./serve-stages.js";

if (parentPort) serveStages(parentPort);
