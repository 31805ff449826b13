import { describe, expect, it, vi } from "vitest";
import { SETTING_KEYS } from "./config/settings.js";
import { type Actions, createProgram } from "./program.js";

function setUp(): { actions: Actions; parse: (...words: string[]) => Promise<unknown>; printed: string[] } {
  const printed: string[] = [];
  const actions: Actions = {
    push: vi.fn(),
    install: vi.fn(),
    find: vi.fn(),
    uninstall: vi.fn(),
    verify: vi.fn(),
    cache: vi.fn(),
    env: vi.fn(),
    run: vi.fn(),
    login: vi.fn(),
    logout: vi.fn(),
  };
  const program = createProgram("1.2.3", actions, {
    out: (text) => printed.push(text),
    err: (text) => printed.push(text),
  });
  return { actions, parse: (...words) => program.parseAsync(words, { from: "user" }), printed };
}

describe("push", () => {
  it("takes options before, between and after the words, and repeats where that makes sense", async () => {
    const { actions, parse } = setUp();
    await parse(
      ...[
        "--json",
        "push",
        "--label",
        "a=1",
        "oci:out",
        "zlib",
        "-e",
        "env",
        "--label",
        "b=2",
        "/abc",
        "-j",
        "3",
        "-v",
      ],
    );
    expect(actions.push).toHaveBeenCalledExactlyOnceWith("oci:out", ["zlib", "/abc"], {
      json: true,
      verbose: true,
      label: ["a=1", "b=2"],
      environment: ["env"],
      jobs: "3",
    });
  });

  it("passes no option on that was not given", async () => {
    const { actions, parse } = setUp();
    await parse("push", "oci:out", "zlib");
    expect(actions.push).toHaveBeenCalledExactlyOnceWith("oci:out", ["zlib"], {});
  });

  it("passes options on that turn something off", async () => {
    const { actions, parse } = setUp();
    await parse("push", "oci:out", "zlib", "--no-update-index", "--no-color");
    expect(actions.push).toHaveBeenCalledExactlyOnceWith("oci:out", ["zlib"], { updateIndex: false, color: false });
  });

  it("takes what follows -- as names, whatever they begin with", async () => {
    const { actions, parse } = setUp();
    await parse("push", "--", "oci:out", "--all");
    expect(actions.push).toHaveBeenCalledExactlyOnceWith("oci:out", ["--all"], {});
  });

  it("says in its help that Spack reads gzip only", async () => {
    const { parse, printed } = setUp();
    await expect(parse("push", "--help")).rejects.toMatchObject({ exitCode: 0 });
    expect(printed.join("")).toMatch(/Spack[^.]*gzip only/);
  });
});

describe("install", () => {
  it("takes a source, specs, and more sources", async () => {
    const { actions, parse } = setUp();
    await parse(
      "install",
      "oci:a",
      "zlib",
      "--from",
      "oci:b",
      "/abc",
      "--from",
      "oci:c",
      "--root",
      "/store",
      "-j",
      "3",
    );
    expect(actions.install).toHaveBeenCalledExactlyOnceWith("oci:a", ["zlib", "/abc"], {
      from: ["oci:b", "oci:c"],
      root: "/store",
      jobs: "3",
    });
  });

  it("passes options on that turn something off, and no others", async () => {
    const { actions, parse } = setUp();
    await parse("install", "oci:a", "zlib", "--no-deps", "--no-cache");
    await parse("install", "oci:a", "zlib");
    expect(actions.install).toHaveBeenNthCalledWith(1, "oci:a", ["zlib"], { deps: false, cache: false });
    expect(actions.install).toHaveBeenNthCalledWith(2, "oci:a", ["zlib"], {});
  });
});

describe("find", () => {
  it("takes any number of specs", async () => {
    const { actions, parse } = setUp();
    await parse("find");
    await parse("find", "zlib", "/abc", "-l", "--root", "/store");
    expect(actions.find).toHaveBeenNthCalledWith(1, [], {});
    expect(actions.find).toHaveBeenNthCalledWith(2, ["zlib", "/abc"], { long: true, root: "/store" });
  });
});

describe("the commands", () => {
  it("have an option for every setting", () => {
    const { commands } = createProgram("", setUp().actions, { out: () => {}, err: () => {} });
    const options = commands.flatMap((command) => command.options.map(({ long }) => long?.replace(/^--(no-)?/, "")));
    expect(options).toEqual(expect.arrayContaining([...SETTING_KEYS]));
  });
});

describe("uninstall, verify and cache", () => {
  it("take specs, a root and what is to be done", async () => {
    const { actions, parse } = setUp();
    await parse("uninstall", "zlib", "/abc", "--dependents", "--dry-run", "--root", "/store");
    await parse("verify");
    await parse("cache", "clean", "--cache-dir", "dir");
    expect(actions.uninstall).toHaveBeenCalledExactlyOnceWith(["zlib", "/abc"], {
      dependents: true,
      dryRun: true,
      root: "/store",
    });
    expect(actions.verify).toHaveBeenCalledExactlyOnceWith([], {});
    expect(actions.cache).toHaveBeenCalledExactlyOnceWith("clean", { cacheDir: "dir" });
  });

  it("refuse to guess what is to be removed", async () => {
    const { parse } = setUp();
    await expect(parse("uninstall")).rejects.toThrow("missing required argument 'spec'");
    await expect(parse("cache")).rejects.toThrow("missing required argument 'action'");
    await expect(parse("cache", "empty")).rejects.toThrow(/'empty' is invalid.*info, clean/);
  });
});

describe("env", () => {
  it("takes specs and one language", async () => {
    const { actions, parse } = setUp();
    await parse("env", "zlib", "/abc", "--csh");
    expect(actions.env).toHaveBeenCalledExactlyOnceWith(["zlib", "/abc"], { csh: true });
    await expect(parse("env", "zlib", "--sh", "--fish")).rejects.toThrow("cannot be used with");
  });
});

describe("run", () => {
  it("takes what follows -- as the command, whatever it looks like", async () => {
    const { actions, parse } = setUp();
    await parse(
      "--json",
      "run",
      "--from",
      "oci:a",
      "zlib",
      "--from",
      "oci:b",
      "/abc",
      "--",
      "ls",
      "--root",
      "--",
      "-l",
    );
    expect(actions.run).toHaveBeenCalledExactlyOnceWith(["zlib", "/abc"], ["ls", "--root", "--", "-l"], {
      json: true,
      from: ["oci:a", "oci:b"],
    });
    await parse("run", "zlib", "--", "ls", "--help");
    expect(actions.run).toHaveBeenLastCalledWith(["zlib"], ["ls", "--help"], {});
    await parse("run", "zlib");
    expect(actions.run).toHaveBeenLastCalledWith(["zlib"], [], {});
  });
});

describe("login and logout", () => {
  it("take a registry; no option takes a password", async () => {
    const { actions, parse } = setUp();
    await parse("login", "-u", "me", "--password-stdin", "ghcr.io");
    await parse("logout", "ghcr.io");
    expect(actions.login).toHaveBeenCalledExactlyOnceWith("ghcr.io", { username: "me", passwordStdin: true });
    expect(actions.logout).toHaveBeenCalledExactlyOnceWith("ghcr.io", {});
    await expect(parse("login", "--password", "secret", "ghcr.io")).rejects.toThrow("unknown option");
  });
});

describe("wrong words", () => {
  it.each([
    [["pusj"], /unknown command 'pusj'.*push/s],
    [["push", "--alll", "x"], /unknown option '--alll'.*--all/s],
    [["push"], /missing required argument 'target'/],
    [["install", "oci:a"], /missing required argument 'spec'/],
    [["logout", "a", "b"], /too many arguments/],
    [["push", "--quiet", "--verbose", "x", "y"], /cannot be used with/],
  ])("%j are refused", async (words, message) => {
    await expect(setUp().parse(...words)).rejects.toThrow(message);
  });
});
