import { type ChildProcessByStdio, spawn } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { platform } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { unlessAborted } from "../base/concurrency.js";
import { SpkociError } from "../base/errors.js";
import type { Environment } from "./spack-command.js";

export type LockMode = "exclusive" | "shared";

/** An fcntl lock that another process holds for this one. */
export interface HeldLock {
  readonly state: "held";
  /** Aborted with LOCKED if the holder dies before `release`. */
  readonly lost: AbortSignal;
  /** Lets go; done when the lock is free. */
  release(): Promise<void>;
}

/** What came of asking for a lock. */
export type LockAnswer =
  | HeldLock
  /** Somebody else held it all the time. */
  | { readonly state: "busy" }
  /** The system refused, with this error code. */
  | { readonly state: "refused"; readonly code: string }
  /** No program that could hold it. */
  | { readonly state: "no-helper" };

export interface LockRequest {
  /** The lock file, absolute. It is made if it is missing. */
  readonly path: string;
  readonly mode: LockMode;
  readonly patienceMs: number;
  /** Its PATH is where python3 and perl are looked for; they run in it. */
  readonly env: Environment;
  /** Called once if somebody else holds the lock. */
  readonly onBusy: () => void;
}

// Both programs do the same: open, lock the whole file as Spack does, look whether the file is still the one of that name, and say
// so. Then they wait for the end of stdin, which comes when this process wants it or dies. Signals meant for the whole process group
// must not take the lock away; an alarm ends a wait that nobody is interested in any more.
const PYTHON = `
import errno, fcntl, os, signal, sys
path, mode, patience = sys.argv[1], sys.argv[2], int(sys.argv[3])
for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(name, signal.SIG_IGN)
def say(line):
    os.write(1, line.encode() + b"\\n")
def opened():
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        if mode == "exclusive":
            raise
        return os.open(path, os.O_RDONLY)
kind = fcntl.LOCK_EX if mode == "exclusive" else fcntl.LOCK_SH
try:
    signal.alarm(patience)
    while True:
        fd = opened()
        try:
            fcntl.lockf(fd, kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            say("waiting")
            fcntl.lockf(fd, kind)
        mine = os.fstat(fd)
        try:
            there = os.stat(path)
            if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
                break
        except FileNotFoundError:
            pass
        os.close(fd)
    signal.alarm(0)
except OSError as error:
    say("refused " + errno.errorcode.get(error.errno, "EIO"))
    sys.exit(1)
say("locked")
while os.read(0, 4096):
    pass
`;

const PERL = `
use strict; use Fcntl qw(:DEFAULT :seek :mode); use Errno;
my ($path, $mode, $patience) = @ARGV;
$SIG{$_} = "IGNORE" for qw(INT TERM HUP);
exit 2 if length(pack("p", "")) != 8;
my $kind = $mode eq "exclusive" ? F_WRLCK : F_RDLCK;
my $lock = $^O eq "linux" ? pack("s s x4 q q i x4", $kind, SEEK_SET, 0, 0, 0)
  : $^O eq "darwin" ? pack("q q i s s", 0, 0, 0, $kind, SEEK_SET) : exit 2;
sub say_line { syswrite STDOUT, "$_[0]\\n" }
sub refused {
  for my $name (qw(EACCES EPERM EROFS ENOENT ENOTDIR EISDIR ENOLCK EOPNOTSUPP EINVAL ENOSPC EDQUOT EMFILE)) {
    if ($!{$name}) { say_line("refused $name"); exit 1 }
  }
  say_line("refused EIO"); exit 1;
}
my $fh;
alarm $patience;
while (1) {
  sysopen($fh, $path, O_RDWR | O_CREAT, 0666)
    or ($mode eq "shared" and sysopen($fh, $path, O_RDONLY)) or refused();
  if (!fcntl($fh, F_SETLK, $lock)) {
    refused() unless $!{EAGAIN} or $!{EACCES};
    say_line("waiting");
    fcntl($fh, F_SETLKW, $lock) or refused();
  }
  my @mine = stat $fh; my @there = stat $path;
  last if @there and $mine[0] == $there[0] and $mine[1] == $there[1];
  close $fh;
}
alarm 0;
say_line("locked");
1 while sysread STDIN, my $rest, 4096;
`;

/** How each program is told to run its script: without what users have configured for it. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  python3: ["-I", "-S", "-c", PYTHON],
  "platform-python": ["-I", "-S", "-c", PYTHON],
  perl: ["-e", PERL, "--"],
};

/**
 * Asks for the lock through the first of the programs on PATH that works. Node itself has no fcntl locks.
 * An abort of `signal` rejects with its reason.
 */
export async function requestLock(request: LockRequest, signal?: AbortSignal): Promise<LockAnswer> {
  for (const [program, args] of await findHelpers(request.env)) {
    const answer = await ask(program, args, request, signal);
    if (answer !== "unusable") return answer;
  }
  return { state: "no-helper" };
}

/** Programs that can hold a lock, the system's own first. macOS has a perl, but its python3 may be one that asks to be installed. */
async function findHelpers(env: Environment): Promise<[program: string, args: readonly string[]][]> {
  const path = (env.PATH ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
  const system: string[] = path.filter((folder) => folder === "/usr/bin" || folder === "/bin");
  // Where the Red Hat family keeps a Python even if none is installed for users.
  const libexec = system.length > 0 ? ["/usr/libexec"] : [];
  const folders = [...system, ...libexec, ...path.filter((folder) => !system.includes(folder))];
  const names = platform() === "darwin" ? ["perl", "python3"] : ["python3", "platform-python", "perl"];
  const found: [string, readonly string[]][] = [];
  for (const name of names) {
    for (const folder of folders) {
      const program = join(folder, name);
      if (await isExecutable(program)) found.push([program, PROGRAMS[name] ?? []]);
    }
  }
  return found;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

type Helper = ChildProcessByStdio<Writable, Readable, null>;

/** "unusable" if the program ends without an answer. */
async function ask(
  program: string,
  args: readonly string[],
  request: LockRequest,
  signal: AbortSignal | undefined,
): Promise<LockAnswer | "unusable"> {
  signal?.throwIfAborted();
  const { path, mode, patienceMs, env } = request;
  const alarm = String(Math.ceil(patienceMs / 1000) + 5);
  // Modules of another perl, such as one that Spack has loaded, must not get into the system's.
  const cleanEnv = { ...env, PERL5LIB: undefined, PERL5OPT: undefined };
  const helper = spawn(program, [...args, path, mode, alarm], { stdio: ["pipe", "pipe", "ignore"], env: cleanEnv });
  const ended = endOf(helper);
  const patience = AbortSignal.timeout(patienceMs);
  try {
    const enough = signal ? AbortSignal.any([signal, patience]) : patience;
    const answer = await unlessAborted(answerOf(helper, request.onBusy), enough);
    if (answer === "locked") return heldBy(helper, ended, path);
    if (answer?.startsWith("refused ")) return { state: "refused", code: answer.slice("refused ".length) };
    return "unusable";
  } catch (error) {
    helper.kill("SIGKILL");
    await ended;
    if (patience.aborted && !signal?.aborted) return { state: "busy" };
    throw error;
  }
}

function endOf(helper: Helper): Promise<void> {
  // A helper that is gone can't be told to end; its exit says all there is to know.
  helper.stdin.on("error", () => {});
  return new Promise((fulfil) => {
    helper.once("exit", () => fulfil());
    helper.once("error", () => fulfil());
  });
}

/** The line that ends the helper's wait; undefined if it ends without one. */
function answerOf(helper: Helper, onBusy: () => void): Promise<string | undefined> {
  return new Promise((fulfil) => {
    let isBusy = false;
    const lines = createInterface({ input: helper.stdout });
    lines.on("line", (line) => {
      if (line !== "waiting") fulfil(line);
      else if (!isBusy) onBusy();
      isBusy = true;
    });
    lines.once("close", () => fulfil(undefined));
    helper.once("error", () => fulfil(undefined));
  });
}

function heldBy(helper: Helper, ended: Promise<void>, path: string): HeldLock {
  const lost = new AbortController();
  const hint = "The helper process that held it was ended by somebody else. Run the command again.";
  ended.then(() => lost.abort(new SpkociError("LOCKED", `the lock ${path} was lost`, { hint })));
  return {
    state: "held",
    lost: lost.signal,
    async release() {
      helper.stdin.end();
      await ended;
    },
  };
}
