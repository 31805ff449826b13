import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { platform } from "node:os";
import { delimiter, join } from "node:path";
import type { Environment } from "./spack-command.js";

// Both programs do the same: open, lock the whole file as Spack does, look whether the file is still the one of that name, and say
// so. A byte on stdin then makes them let go and say that, another one lock again. At the end of stdin, which comes when this process
// wants it or dies, they end. Signals meant for the whole process group must not take the lock away; an alarm ends a wait that nobody
// is interested in any more.
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
def locked():
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
                return fd
        except FileNotFoundError:
            pass
        os.close(fd)
while True:
    try:
        signal.alarm(patience)
        fd = locked()
        signal.alarm(0)
    except OSError as error:
        say("refused " + errno.errorcode.get(error.errno, "EIO"))
        sys.exit(1)
    say("locked")
    if not os.read(0, 1):
        break
    os.close(fd)
    say("free")
    if not os.read(0, 1):
        break
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
while (1) {
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
  last unless sysread STDIN, my $byte, 1;
  close $fh;
  say_line("free");
  last unless sysread STDIN, $byte, 1;
}
`;

/** How each program is told to run its script: without what users have configured for it. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  python3: ["-I", "-S", "-c", PYTHON],
  "platform-python": ["-I", "-S", "-c", PYTHON],
  perl: ["-e", PERL, "--"],
};

/** Programs that can hold a lock, and the arguments before path, mode and patience in s, the system's own first. macOS has a perl, but its python3 may be one that asks to be installed. */
export async function findLockPrograms(env: Environment): Promise<[program: string, args: readonly string[]][]> {
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
