import * as fs from "node:fs";

/** Calls of the file system in one of several ways. Errors are Node's, with their `code`. */
export interface FileCalls {
  readonly open: (path: string, flags: number) => Awaitable<number>;
  /** Reads to the buffer from where the last reading ended; bytes read, 0 at the end of the file. */
  readonly read: (file: number, into: Buffer) => Awaitable<number>;
  /** Writes from the buffer, from `at` on, to where the last writing ended; bytes written. */
  readonly write: (file: number, from: Buffer, at: number) => Awaitable<number>;
  readonly fstat: (file: number) => Awaitable<fs.BigIntStats>;
  readonly close: (file: number) => Awaitable<void>;
  readonly lstat: (path: string) => Awaitable<fs.BigIntStats>;
  readonly readlink: (path: string) => Awaitable<Buffer>;
  readonly readdir: (path: string) => Awaitable<fs.Dirent[]>;
  /** Links are followed. False also where that can't be told. */
  readonly isFolder: (path: string) => Awaitable<boolean>;
}

/** An answer, at once or later. */
export type Awaitable<T> = T | Promise<T>;
type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

/** Each call on one of libuv's threads: several can be under way, and the thread that calls goes on meanwhile. */
export const pooledCalls: FileCalls = {
  open: (path, flags) => called((done) => fs.open(path, flags, done)),
  read: (file, into) => called((done) => fs.read(file, into, 0, into.length, null, done)),
  write: (file, from, at) => called((done) => fs.write(file, from, at, done)),
  fstat: (file) => called((done) => fs.fstat(file, { bigint: true }, done)),
  close: (file) => called((done: Callback<void>) => fs.close(file, done as fs.NoParamCallback)),
  lstat: (path) => called((done) => fs.lstat(path, { bigint: true }, done)),
  readlink: (path) => called((done) => fs.readlink(path, "buffer", done)),
  readdir: (path) => called((done) => fs.readdir(path, { withFileTypes: true }, done)),
  isFolder: (path) =>
    new Promise((resolve) => fs.stat(path, (error, stats) => resolve(error === null && stats.isDirectory()))),
};

/** Each call at once, in half the time of processor; the thread that calls waits. */
export const directCalls: FileCalls = {
  open: (path, flags) => fs.openSync(path, flags),
  read: (file, into) => fs.readSync(file, into, 0, into.length, null),
  write: (file, from, at) => fs.writeSync(file, from, at),
  fstat: (file) => fs.fstatSync(file, { bigint: true }),
  close: (file) => fs.closeSync(file),
  lstat: (path) => fs.lstatSync(path, { bigint: true }),
  readlink: (path) => fs.readlinkSync(path, "buffer"),
  readdir: (path) => fs.readdirSync(path, { withFileTypes: true }),
  isFolder: (path) => {
    try {
      return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    } catch {
      return false;
    }
  },
};

/** `fs.promises` and its FileHandles take twice the time of callbacks. */
function called<T>(call: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });
}
