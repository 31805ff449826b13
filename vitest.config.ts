import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const src = (name: string): string => fileURLToPath(new URL(`./packages/${name}/src/index.ts`, import.meta.url));

const alias = { "@spkoci/core": src("core"), "@spkoci/testkit": src("testkit") };

/** Units that replace modules for what they test, and so have a process of their own; the other units share theirs. */
const REPLACING = [
  "packages/cli/src/program.test.ts",
  "packages/core/src/check/content-findings.test.ts",
  "packages/core/src/layer/unpack-no-space.test.ts",
  "packages/core/src/registry/delete.test.ts",
  "packages/core/src/registry/docker-hub.test.ts",
  "packages/core/src/registry/github-packages.test.ts",
];

const project = (name: string, include: string[], testTimeout: number, more: object = {}) => ({
  resolve: { alias },
  test: { name, include, testTimeout, hookTimeout: 60_000, restoreMocks: true, unstubEnvs: true, ...more },
});

export default defineConfig({
  test: {
    maxWorkers: availableParallelism(),
    projects: [
      project("unit", ["packages/*/src/**/*.test.ts"], 60_000, { isolate: false, exclude: REPLACING }),
      project("unit-replacing", REPLACING, 60_000),
      project("contract", ["test/contract/**/*.test.ts"], 60_000),
      project("property", ["test/property/**/*.test.ts"], 120_000),
      project("integration", ["test/integration/**/*.test.ts"], 180_000),
      project("faults", ["test/faults/**/*.test.ts"], 180_000),
      project("e2e", ["test/e2e/**/*.test.ts"], 120_000),
    ],
  },
});
