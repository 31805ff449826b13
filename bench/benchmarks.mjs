/**
 * Every benchmark: what it measures, the programs without which there is nothing to measure, and the module whose `measure(session)`
 * resolves to what stands in its report. The modules are loaded when needed, since they use packages that are built only then.
 */
export const BENCHMARKS = {
  push: {
    about: "packages to an empty registry, then again with nothing to do; beside tar with gzip, pigz, zstd, and skopeo",
    needs: ["docker-registry"],
    load: () => import("./push.mjs"),
  },
  install: {
    about: "packages from a registry: cold, warm, from zstd; beside curl | tar, umoci and skopeo",
    needs: ["docker-registry"],
    load: () => import("./install.mjs"),
  },
  start: {
    about: "spkoci --help and spkoci list of 1,000 packages, beside node -e 0",
    needs: ["docker-registry"],
    load: () => import("./start.mjs"),
  },
  noop: {
    about: "200 packages pushed again when all are there: seconds and requests",
    needs: ["docker-registry"],
    load: () => import("./noop.mjs"),
  },
  scale: {
    about: "push and install of 200 to 2,000 small packages: seconds and memory by their number",
    needs: ["docker-registry"],
    load: () => import("./scale.mjs"),
  },
  network: {
    about: "push and install over a line of 100 Mbit/s with 20 ms between question and answer",
    needs: ["docker-registry"],
    load: () => import("./network.mjs"),
  },
  huge: {
    about: "one package of 2 GB: seconds and peak memory of push and install",
    needs: ["docker-registry"],
    load: () => import("./huge.mjs"),
  },
  index: {
    about: "the index of caches with 10,000 to 100,000 packages; once, takes an hour",
    load: () => import("./index.mjs"),
  },
};
