import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const src = (name: string): string => fileURLToPath(new URL(`./packages/${name}/src/index.ts`, import.meta.url));

const alias = { "@spkoci/core": src("core"), "@spkoci/testkit": src("testkit") };

const project = (name: string, include: string[], testTimeout = 20_000) => ({
  resolve: { alias },
  test: { name, include, testTimeout, hookTimeout: 60_000, restoreMocks: true, unstubEnvs: true },
});

export default defineConfig({
  test: {
    projects: [
      project("unit", ["packages/*/src/**/*.test.ts"]),
      project("contract", ["test/contract/**/*.test.ts"], 60_000),
      project("property", ["test/property/**/*.test.ts"], 120_000),
      project("integration", ["test/integration/**/*.test.ts"], 180_000),
      project("faults", ["test/faults/**/*.test.ts"], 180_000),
      project("e2e", ["test/e2e/**/*.test.ts"], 120_000),
    ],
  },
});
