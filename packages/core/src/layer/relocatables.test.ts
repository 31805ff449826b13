import { describe, expect, it } from "vitest";
import type { FileEntry } from "./entries.js";
import { RelocatableScan, type Relocatables } from "./relocatables.js";

const needles = ["/opt/spack/zlib-1", "/opt/spack/bin/sbang", "/opt/spack"];

function found(files: Record<string, string>, links: Record<string, string> = {}): Relocatables {
  const scan = new RelocatableScan(needles);
  for (const [path, content] of Object.entries(files)) {
    const fileScan = scan.scanFile(fileEntry(path));
    fileScan?.update(Buffer.from(content, "latin1"));
    fileScan?.finish();
  }
  for (const [path, target] of Object.entries(links)) scan.addLink({ type: "symlink", name: path, path, target });
  return scan.found;
}

function fileEntry(path: string): FileEntry {
  return { type: "file", name: path, path, size: 1, mode: 0o644, mtimeNs: 0n, inode: 0n };
}

describe("RelocatableScan", () => {
  it("lists binaries whether or not they hold a prefix, and text only if it names one", () => {
    const files = {
      "lib/a.so": "\x7fELF\x02\x01\x01\0",
      "bin/b": "#!/opt/spack/bin/sbang\n",
      "bin/c": "#!/usr/bin/env sh\n",
      "share/d.bin": "\xff\0 /opt/spack/zlib-1",
    };
    expect(found(files)).toMatchObject({ binaries: ["lib/a.so"], textFiles: ["bin/b"], links: [] });
  });

  it("lists links with an absolute target below a prefix", () => {
    const links = {
      in: "/opt/spack/zlib-1/lib",
      out: "/etc/hostname",
      relative: "../opt/spack",
      deep: "/mnt/opt/spack",
    };
    expect(found({}, links).links).toEqual(["in"]);
  });

  it("tells where prefixes stand in what is listed, also at the end of other paths and behind the start of a binary", () => {
    const files = {
      "lib/a.so": "\x7fELF\x02\x01\x01\0/opt/spack/zlib-1\0/mnt/opt/spack\0",
      "lib/b.so": "\x7fELF\x02\x01\x01\0",
      "bin/b": "#!/opt/spack/bin/sbang\n",
      "bin/c": "no more than /mnt/opt/spack",
      "share/d.bin": "\xff\0 /opt/spack/zlib-1",
    };
    expect([...found(files).offsets]).toEqual([
      ["lib/a.so", [8, 30]],
      ["lib/b.so", []],
      ["bin/b", [2]],
    ]);
  });

  it("leaves out files with more than 1,000 such places, and all that would be more than 16,384 in one package", () => {
    const files = Object.fromEntries([
      ["many", "/opt/spack ".repeat(1001)],
      ...Array.from({ length: 17 }, (_, i) => [`file-${i}`, "/opt/spack ".repeat(1000)]),
      ["few", "/opt/spack ".repeat(300)],
    ]);
    const { textFiles, offsets } = found(files);
    expect(textFiles).toHaveLength(19);
    const told = [...textFiles].filter((path) => path !== "many" && path !== "file-16");
    expect([...offsets.keys()]).toEqual(told);
  });

  it("lists nothing under .spack/, but files whose names begin alike", () => {
    const text = "prefix = /opt/spack/zlib-1";
    const { textFiles, links } = found({ ".spack/log": text, ".spackrc": text }, { ".spack/link": "/opt/spack/x" });
    expect(textFiles).toEqual([".spackrc"]);
    expect(links).toEqual([]);
  });
});
