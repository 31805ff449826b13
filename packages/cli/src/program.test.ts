import { describe, expect, it, vi } from "vitest";
import { runCache } from "./commands/cache.js";
import { runCheck } from "./commands/check.js";
import { runCopy } from "./commands/copy.js";
import { runEnv } from "./commands/env.js";
import { runFind } from "./commands/find.js";
import { runInstall } from "./commands/install.js";
import { runList } from "./commands/list.js";
import { runLogin } from "./commands/login.js";
import { runLogout } from "./commands/logout.js";
import { runPrune } from "./commands/prune.js";
import { runPush } from "./commands/push.js";
import { runReport } from "./commands/report.js";
import { runRun } from "./commands/run.js";
import { runShow } from "./commands/show.js";
import { runTree } from "./commands/tree.js";
import { runUninstall } from "./commands/uninstall.js";
import { runUpdateIndex } from "./commands/update-index.js";
import { runVerify } from "./commands/verify.js";
import { SETTING_KEYS } from "./config/settings.js";
import type { Start } from "./program/start.js";
import { createProgram } from "./program.js";
import type { World } from "./world.js";

vi.mock("./commands/push.js", () => ({ runPush: vi.fn() }));
vi.mock("./commands/copy.js", () => ({ runCopy: vi.fn() }));
vi.mock("./commands/check.js", () => ({ runCheck: vi.fn() }));
vi.mock("./commands/install.js", () => ({ runInstall: vi.fn() }));
vi.mock("./commands/find.js", () => ({ runFind: vi.fn() }));
vi.mock("./commands/uninstall.js", () => ({ runUninstall: vi.fn() }));
vi.mock("./commands/verify.js", () => ({ runVerify: vi.fn() }));
vi.mock("./commands/cache.js", () => ({ runCache: vi.fn() }));
vi.mock("./commands/env.js", () => ({ runEnv: vi.fn() }));
vi.mock("./commands/prune.js", () => ({ runPrune: vi.fn() }));
vi.mock("./commands/report.js", () => ({ runReport: vi.fn() }));
vi.mock("./commands/run.js", () => ({ runRun: vi.fn() }));
vi.mock("./commands/update-index.js", () => ({ runUpdateIndex: vi.fn() }));
vi.mock("./commands/list.js", () => ({ runList: vi.fn() }));
vi.mock("./commands/show.js", () => ({ runShow: vi.fn() }));
vi.mock("./commands/tree.js", () => ({ runTree: vi.fn() }));
vi.mock("./commands/login.js", () => ({ runLogin: vi.fn() }));
vi.mock("./commands/logout.js", () => ({ runLogout: vi.fn() }));

const world = { cwd: "/here" } as World;

function setUp(): { parse: (line: string) => Promise<unknown>; printed: string[] } {
  vi.clearAllMocks();
  const printed: string[] = [];
  const start: Start = async (_flags, run) => {
    await run(world);
  };
  const program = createProgram("1.2.3", start, {
    out: (text) => printed.push(text),
    err: (text) => printed.push(text),
  });
  return { parse: (line) => program.parseAsync(line.split(" "), { from: "user" }), printed };
}

describe("push", () => {
  it("takes options before, between and after the words, and repeats where that makes sense", async () => {
    const { parse } = setUp();
    await parse("--json push --label a=1 oci:out zlib -e env --label b=2 /abc -j 3 -v");
    expect(runPush).toHaveBeenCalledExactlyOnceWith(
      "oci:out",
      ["zlib", "/abc"],
      {
        json: true,
        verbose: true,
        label: ["a=1", "b=2"],
        environment: ["env"],
        jobs: "3",
      },
      world,
    );
  });

  it("passes no option on that was not given", async () => {
    const { parse } = setUp();
    await parse("push oci:out zlib");
    expect(runPush).toHaveBeenCalledExactlyOnceWith("oci:out", ["zlib"], {}, world);
  });

  it("passes options on that turn something off", async () => {
    const { parse } = setUp();
    await parse("push oci:out zlib --no-update-index --no-color");
    expect(runPush).toHaveBeenCalledExactlyOnceWith("oci:out", ["zlib"], { updateIndex: false, color: false }, world);
  });

  it("takes a switch that has a setting too", async () => {
    const { parse } = setUp();
    await parse("push oci:out zlib --verify-cache");
    expect(runPush).toHaveBeenCalledExactlyOnceWith("oci:out", ["zlib"], { verifyCache: true }, world);
  });

  it("takes what follows -- as names, whatever they begin with", async () => {
    const { parse } = setUp();
    await parse("push -- oci:out --all");
    expect(runPush).toHaveBeenCalledExactlyOnceWith("oci:out", ["--all"], {}, world);
  });

  it("says in its help that Spack reads gzip only", async () => {
    const { parse, printed } = setUp();
    await expect(parse("push --help")).rejects.toMatchObject({ exitCode: 0 });
    expect(printed.join("")).toMatch(/Spack[^.]*gzip only/);
  });
});

describe("install", () => {
  it("takes a source, specs, and more sources", async () => {
    const { parse } = setUp();
    await parse("install oci:a zlib --from oci:b /abc --from oci:c --root /store -j 3");
    expect(runInstall).toHaveBeenCalledExactlyOnceWith(
      "oci:a",
      ["zlib", "/abc"],
      {
        from: ["oci:b", "oci:c"],
        root: "/store",
        jobs: "3",
      },
      world,
    );
  });

  it("passes options on that turn something off, and no others", async () => {
    const { parse } = setUp();
    await parse("install oci:a zlib --no-deps --no-cache");
    await parse("install oci:a zlib");
    expect(runInstall).toHaveBeenNthCalledWith(1, "oci:a", ["zlib"], { deps: false, cache: false }, world);
    expect(runInstall).toHaveBeenNthCalledWith(2, "oci:a", ["zlib"], {}, world);
  });
});

describe("options about transfers", () => {
  it("reach the commands that transfer", async () => {
    const { parse } = setUp();
    await parse("push oci:a zlib --chunk-size 4 --retries 20");
    await parse("copy oci:a oci:b --chunk-size 4 --retries 20");
    await parse("install oci:a zlib --retries 0");
    await parse("run --from oci:a --retries 0 zlib -- minigzip");
    await parse("check oci:a --retries 0");
    const flags = { chunkSize: "4", retries: "20" };
    expect(runPush).toHaveBeenCalledWith("oci:a", ["zlib"], flags, world);
    expect(runCopy).toHaveBeenCalledWith("oci:a", "oci:b", [], flags, world);
    expect(runInstall).toHaveBeenCalledWith("oci:a", ["zlib"], { retries: "0" }, world);
    expect(runRun).toHaveBeenCalledWith(["zlib"], ["minigzip"], { from: ["oci:a"], retries: "0" }, world);
    expect(runCheck).toHaveBeenCalledWith("oci:a", [], { retries: "0" }, world);
  });
});

describe("find", () => {
  it("takes any number of specs", async () => {
    const { parse } = setUp();
    await parse("find");
    await parse("find zlib /abc -l --root /store");
    expect(runFind).toHaveBeenNthCalledWith(1, [], {}, world);
    expect(runFind).toHaveBeenNthCalledWith(2, ["zlib", "/abc"], { long: true, root: "/store" }, world);
  });
});

describe("list, show and tree", () => {
  it("take a cache, specs, and what is to be shown, as in Spack", async () => {
    const { parse } = setUp();
    await parse("list oci:a");
    await parse("--json list -lv oci:a zlib ^mpi -d --format {name} --all-arch");
    expect(runList).toHaveBeenNthCalledWith(1, "oci:a", [], {}, world);
    const flags = { json: true, long: true, variants: true, deps: true, format: "{name}", allArch: true };
    expect(runList).toHaveBeenNthCalledWith(2, "oci:a", ["zlib", "^mpi"], flags, world);
    await parse("show oci:a hdf5 +mpi --measure --plain-http");
    const connection = { measure: true, plainHttp: true };
    expect(runShow).toHaveBeenCalledExactlyOnceWith("oci:a", ["hdf5", "+mpi"], connection, world);
    await parse("tree oci:a hdf5 -L --all-deps");
    expect(runTree).toHaveBeenCalledExactlyOnceWith("oci:a", ["hdf5"], { veryLong: true, allDeps: true }, world);
  });

  it("take -v for variants behind the command, and for verbose in front of it", async () => {
    const { parse } = setUp();
    await parse("list oci:a -v");
    await parse("-v list oci:a --verbose");
    await parse("find -v");
    expect(runList).toHaveBeenNthCalledWith(1, "oci:a", [], { variants: true }, world);
    expect(runList).toHaveBeenNthCalledWith(2, "oci:a", [], { verbose: true }, world);
    expect(runFind).toHaveBeenCalledExactlyOnceWith([], { variants: true }, world);
  });
});

describe("the commands", () => {
  it("have an option for every setting", () => {
    const { commands } = createProgram("", async () => {}, { out: () => {}, err: () => {} });
    const options = commands.flatMap((command) => command.options.map(({ long }) => long?.replace(/^--(no-)?/, "")));
    expect(options).toEqual(expect.arrayContaining([...SETTING_KEYS]));
  });
});

describe("uninstall, verify and cache", () => {
  it("take specs, a root and what is to be done", async () => {
    const { parse } = setUp();
    await parse("uninstall zlib /abc --dependents --dry-run --root /store");
    await parse("verify");
    await parse("cache clean --cache-dir dir");
    expect(runUninstall).toHaveBeenCalledExactlyOnceWith(
      ["zlib", "/abc"],
      {
        dependents: true,
        dryRun: true,
        root: "/store",
      },
      world,
    );
    expect(runVerify).toHaveBeenCalledExactlyOnceWith([], {}, world);
    expect(runCache).toHaveBeenCalledExactlyOnceWith("clean", { cacheDir: "dir" }, world);
  });

  it("refuse to guess what is to be removed", async () => {
    const { parse } = setUp();
    await expect(parse("uninstall")).rejects.toThrow("missing required argument 'spec'");
    await expect(parse("cache")).rejects.toThrow("missing required argument 'action'");
    await expect(parse("cache empty")).rejects.toThrow(/'empty' is invalid.*info, clean/);
  });
});

describe("prune", () => {
  it("takes a cache and what is to stay, repeated where that makes sense", async () => {
    const { parse } = setUp();
    await parse(
      "prune oci:dir --keep zlib --keep-env env --keep hdf5 --keep-tag v* --newer-than 90d --grace 2h --all-tags -y --github-api https://host/api/v3",
    );
    const flags = { keep: ["zlib", "hdf5"], keepEnv: ["env"], keepTag: ["v*"], newerThan: "90d", grace: "2h" };
    expect(runPrune).toHaveBeenCalledExactlyOnceWith(
      "oci:dir",
      { ...flags, allTags: true, yes: true, githubApi: "https://host/api/v3" },
      world,
    );
    await expect(parse("prune")).rejects.toThrow("missing required argument 'target'");
  });
});

describe("check", () => {
  it("takes a cache, specs and a level", async () => {
    const { parse } = setUp();
    await parse("check oci:a zlib /abc --level contents --repair -j 3");
    await parse("check oci:a");
    expect(runCheck).toHaveBeenNthCalledWith(
      1,
      "oci:a",
      ["zlib", "/abc"],
      { level: "contents", repair: true, jobs: "3" },
      world,
    );
    expect(runCheck).toHaveBeenNthCalledWith(2, "oci:a", [], {}, world);
    await expect(parse("check oci:a --level all")).rejects.toThrow(/'all' is invalid.*index, manifests/);
  });
});

describe("env", () => {
  it("takes specs and one language", async () => {
    const { parse } = setUp();
    await parse("env zlib /abc --csh");
    expect(runEnv).toHaveBeenCalledExactlyOnceWith(["zlib", "/abc"], { csh: true }, world);
    await expect(parse("env zlib --sh --fish")).rejects.toThrow("cannot be used with");
  });
});

describe("run", () => {
  it("takes what follows -- as the command, whatever it looks like", async () => {
    const { parse } = setUp();
    await parse("--json run --from oci:a zlib --from oci:b /abc -- ls --root -- -l");
    expect(runRun).toHaveBeenCalledExactlyOnceWith(
      ["zlib", "/abc"],
      ["ls", "--root", "--", "-l"],
      {
        json: true,
        from: ["oci:a", "oci:b"],
      },
      world,
    );
    await parse("run zlib -- ls --help");
    expect(runRun).toHaveBeenLastCalledWith(["zlib"], ["ls", "--help"], {}, world);
    await parse("run zlib");
    expect(runRun).toHaveBeenLastCalledWith(["zlib"], [], {}, world);
  });
});

describe("report", () => {
  it("takes a cache, queries, and a file for the page", async () => {
    const { parse } = setUp();
    await parse("report oci:a -o - hdf5 +mpi -j 3");
    await parse("report oci:a");
    expect(runReport).toHaveBeenNthCalledWith(1, "oci:a", ["hdf5", "+mpi"], { output: "-", jobs: "3" }, world);
    expect(runReport).toHaveBeenNthCalledWith(2, "oci:a", [], {}, world);
  });
});

describe("update-index", () => {
  it("takes a cache and how much of it is read", async () => {
    const { parse } = setUp();
    await parse("update-index --full oci:a --dry-run -j 3 --plain-http");
    const flags = { full: true, dryRun: true, jobs: "3", plainHttp: true };
    expect(runUpdateIndex).toHaveBeenCalledExactlyOnceWith("oci:a", flags, world);
  });
});

describe("copy", () => {
  it("takes two places, queries and repeated tags, and - for the tar", async () => {
    const { parse } = setUp();
    await parse("copy oci:a - zlib +shared --tar x.tar --tag one --tag two --no-deps");
    expect(runCopy).toHaveBeenCalledExactlyOnceWith(
      "oci:a",
      "-",
      ["zlib", "+shared"],
      { tar: "x.tar", tag: ["one", "two"], deps: false },
      world,
    );
    await parse("copy oci:a oci:b");
    expect(runCopy).toHaveBeenLastCalledWith("oci:a", "oci:b", [], {}, world);
    await expect(parse("copy oci:a")).rejects.toThrow("missing required argument 'target'");
  });
});

describe("login and logout", () => {
  it("take a registry; no option takes a password", async () => {
    const { parse } = setUp();
    await parse("login -u me --password-stdin ghcr.io");
    await parse("logout ghcr.io");
    expect(runLogin).toHaveBeenCalledExactlyOnceWith("ghcr.io", { username: "me", passwordStdin: true }, world);
    expect(runLogout).toHaveBeenCalledExactlyOnceWith("ghcr.io", {}, world);
    await expect(parse("login --password secret ghcr.io")).rejects.toThrow("unknown option");
  });
});
