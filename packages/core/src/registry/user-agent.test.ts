import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { PRODUCT } from "./user-agent.js";

it("names the version of the package", async () => {
  const manifest = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  expect(PRODUCT).toBe(`spkoci/${JSON.parse(manifest).version}`);
});
