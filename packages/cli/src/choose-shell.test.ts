import { describe, expect, it } from "vitest";
import { chooseShell } from "./choose-shell.js";

describe("chooseShell", () => {
  it.each([
    [undefined, "sh"],
    ["/bin/zsh", "sh"],
    ["/usr/local/bin/fish", "fish"],
    ["/bin/csh", "csh"],
    ["tcsh", "csh"],
  ])("reads SHELL=%s as %s", (SHELL, shell) => {
    expect(chooseShell({}, { env: { SHELL } })).toBe(shell);
  });

  it.each(["sh", "csh", "fish"] as const)("prefers --%s", (shell) => {
    expect(chooseShell({ [shell]: true }, { env: { SHELL: "/bin/ash" } })).toBe(shell);
    expect(chooseShell({ [shell]: true }, { env: { SHELL: "/bin/fish" } })).toBe(shell);
  });
});
