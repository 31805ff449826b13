import { spawn } from "node:child_process";
import { once } from "node:events";

/** The id of a process that has ended. */
export async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
  await once(child, "exit");
  if (child.pid === undefined) throw new Error("the process was not started");
  return child.pid;
}

/** A path whose name tells that it is of this process (`…-<process id>-…`), as one that has ended would have named it. */
export async function ofEndedProcess(path: string): Promise<string> {
  const other = path.replace(`-${process.pid}-`, `-${await endedPid()}-`);
  if (other === path) throw new Error(`${path} tells no process`);
  return other;
}
