import { ERROR_CODES, FINDING_CODES } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { SETTING_KEYS } from "../config/settings.js";
import { formatCliPage, formatErrorPage, formatFindingsTable, formatSettingsTable } from "./pages.js";

describe("formatErrorPage", () => {
  it("explains every error code and every exit code", () => {
    const page = formatErrorPage();
    for (const [code, [exitCode]] of Object.entries(ERROR_CODES)) {
      expect(page).toContain(`| \`${code}\` | ${exitCode} |`);
      expect(page).toMatch(new RegExp(`^\\| ${exitCode} \\| .+`, "m"));
    }
  });
});

describe("formatCliPage", () => {
  it("has every command with arguments, options and examples", () => {
    const page = formatCliPage();
    for (const part of [
      "## spkoci push",
      "## spkoci install",
      "## spkoci find",
      "## spkoci check",
      "## spkoci uninstall",
      "## spkoci verify",
      "## spkoci cache",
      "## spkoci env",
      "## spkoci run",
      "## spkoci login",
      "## spkoci logout",
      "`[spec...]`",
      "`-j, --jobs <count>`",
    ]) {
      expect(page).toContain(part);
    }
    expect(page).toContain("spkoci push oci:./cache zlib");
    expect(page).toContain("spkoci run [options] <spec...> -- <command>");
    expect(page).toContain("`--json`");
  });
});

describe("formatSettingsTable", () => {
  it("has a row for every setting", () => {
    const rows = formatSettingsTable().trim().split("\n");
    expect(rows.slice(2).map((row) => row.split("`")[1])).toEqual([...SETTING_KEYS]);
  });
});

describe("formatFindingsTable", () => {
  it("has a row for every kind of finding, with five cells", () => {
    const rows = formatFindingsTable().trim().split("\n");
    expect(rows.slice(2).map((row) => row.split("`")[1])).toEqual(Object.keys(FINDING_CODES));
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(6);
  });
});
