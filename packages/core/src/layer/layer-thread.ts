// What a thread of LayerThreads runs.
import { parentPort, workerData } from "node:worker_threads";
import { adaptiveCalls } from "../base/adaptive-calls.js";
import type { LayerThreadData } from "./layer-threads.js";
import { serveLayers } from "./serve-layers.js";

const { spareBytes } = workerData as LayerThreadData;
if (parentPort) serveLayers(parentPort, { calls: adaptiveCalls(), budget: { spareBytes } });
