import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ofEndedProcess, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { ownProcess } from "./process-owner.js";
import { isTemporaryOf, ownerOfTemporary, removeLeftovers, temporaryBeside } from "./temporary-file.js";

const LONGEST = "é".repeat(127);

describe("a temporary file's name", () => {
  it.each(["index.json", "-a b.c.tmp", "a\nb", LONGEST])("tells what it is of, and of which process: %j", (name) => {
    const temporary = temporaryBeside(join("/some/folder", name));
    expect(dirname(temporary)).toBe("/some/folder");
    expect(ownerOfTemporary(basename(temporary))).toEqual(ownProcess());
    expect(isTemporaryOf(basename(temporary), join("/other/folder", name))).toBe(true);
    expect(isTemporaryOf(basename(temporary), "/some/folder/index.jso")).toBe(false);
    expect(temporaryBeside(join("/some/folder", name))).not.toBe(temporary);
  });

  it("is one that a file system takes wherever it takes the file's", () =>
    withTemporaryFolder(async (folder) => {
      await writeFile(join(folder, LONGEST), "");
      await writeFile(temporaryBeside(join(folder, LONGEST)), "");
    }));

  it.each([
    "index.json",
    ".index.json.tmp",
    ".index.json.0123456789abcdef.tmp",
    "a.0123456789ab-1-0123456789abcdef.tmp",
  ])("is not %s", (name) => {
    expect(ownerOfTemporary(name)).toBeUndefined();
    expect(isTemporaryOf(name, "/index.json")).toBe(false);
  });
});

describe("removeLeftovers", () => {
  const HOUR_MS = 60 * 60 * 1000;
  const own = temporaryBeside("a");
  const ofOtherHost = own.replace(ownProcess().host, "000000000000");

  /** A file that was last written so long before this process began. */
  async function write(path: string, before: number): Promise<void> {
    await writeFile(path, "");
    const at = new Date(performance.timeOrigin - before);
    await utimes(path, at, at);
  }

  it.each([
    ["a process that has ended", () => ofEndedProcess(own), -HOUR_MS],
    ["another host's process that wrote last two days ago", () => ofOtherHost, 48 * HOUR_MS],
    ["a process that had this one's id two days ago", () => own, 48 * HOUR_MS],
  ])("removes those of %s", (_whose, name, before) =>
    withTemporaryFolder(async (folder) => {
      await write(join(folder, await name()), before);
      await removeLeftovers(folder);
      expect(await readdir(folder)).toEqual([]);
    }),
  );

  it.each([
    ["this process", own, HOUR_MS],
    ["a process that runs, whatever the time", own.replace(`-${process.pid}-`, `-${process.ppid}-`), 1000 * HOUR_MS],
    ["another host that wrote an hour ago", ofOtherHost, HOUR_MS],
  ])("leaves those of %s", (_whose, name, before) =>
    withTemporaryFolder(async (folder) => {
      await write(join(folder, name), before);
      await removeLeftovers(folder);
      expect(await readdir(folder)).toEqual([name]);
    }),
  );

  it("leaves folders and files of other names, and needs no folder", () =>
    withTemporaryFolder(async (folder) => {
      await mkdir(join(folder, await ofEndedProcess(own)));
      await write(join(folder, ".a.0123456789abcdef.tmp"), 1000 * HOUR_MS);
      const before = await readdir(folder);
      await removeLeftovers(folder);
      await removeLeftovers(join(folder, "not-there"));
      expect(await readdir(folder)).toEqual(before);
    }));
});
