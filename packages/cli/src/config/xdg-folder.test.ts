import { describe, expect, it } from "vitest";
import { xdgFolder } from "./xdg-folder.js";

describe("xdgFolder", () => {
  it("lies below the home folder", () => {
    expect(xdgFolder("XDG_CONFIG_HOME", {}, "/home/me")).toBe("/home/me/.config/spkoci");
    expect(xdgFolder("XDG_CACHE_HOME", {}, "/home/me")).toBe("/home/me/.cache/spkoci");
    expect(xdgFolder("XDG_DATA_HOME", {}, "/home/me")).toBe("/home/me/.local/share/spkoci");
  });

  it("lies where the variable says, if that is an absolute path", () => {
    expect(xdgFolder("XDG_DATA_HOME", { XDG_DATA_HOME: "/data" }, "/home/me")).toBe("/data/spkoci");
    for (const value of ["", "data", "./data"]) {
      const folder = xdgFolder("XDG_DATA_HOME", { XDG_DATA_HOME: value }, "/home/me");
      expect(folder).toBe("/home/me/.local/share/spkoci");
    }
  });
});
