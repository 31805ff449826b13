import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { createTemporaryFolder } from "./temporary-folder.js";

export interface BrowserWindow {
  readonly width: number;
  readonly height: number;
  /** What `prefers-color-scheme` says; light unless told. */
  readonly dark?: boolean;
}

/** One page in a browser, used as a person would, with real pointer and key events. */
export interface BrowserPage {
  /** Addresses that the page asked for, its own first. */
  readonly requests: readonly string[];
  /** Exceptions and what the browser logged as errors, such as violations of the page's policy. */
  readonly errors: readonly string[];
  /** The value of an expression of JavaScript in the page; promises are awaited. */
  evaluate<T>(expression: string): Promise<T>;
  /** Waits until an expression is true. */
  until(expression: string): Promise<void>;
  /** Moves the pointer over an element: to its centre unless told, in shares of its width and height. */
  point(selector: string, x?: number, y?: number): Promise<void>;
  /** Clicks there. */
  click(selector: string, x?: number, y?: number): Promise<void>;
  /** Types a text into what has the focus. */
  type(text: string): Promise<void>;
  /** Presses a key, such as `Tab`, `Enter` or `ArrowRight`. */
  press(key: string): Promise<void>;
  /** Writes a PNG of the whole page. */
  screenshot(path: string): Promise<void>;
}

export interface Browser {
  open(url: string, window: BrowserWindow): Promise<BrowserPage>;
  close(): Promise<void>;
}

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"],
  // Small shared memory, as containers have it, would end the browser.
  "--disable-dev-shm-usage",
  "--remote-debugging-pipe",
];

/** Starts Debian's `chromium` with a profile of its own, and speaks the DevTools protocol with it over pipes. */
export async function startBrowser(): Promise<Browser> {
  const profile = await createTemporaryFolder();
  const child = spawn("chromium", [...FLAGS, `--user-data-dir=${profile.path}`, "about:blank"], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const killOnExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killOnExit);
  const connection = new Connection(child);
  const close = async (): Promise<void> => {
    process.off("exit", killOnExit);
    const exited = child.exitCode === null ? once(child, "exit") : Promise.resolve();
    await connection.send("Browser.close").catch(killOnExit);
    const late = setTimeout(killOnExit, 5000);
    await exited;
    clearTimeout(late);
    await profile.remove();
  };
  return { open: (url, window) => openPage(connection, url, window), close };
}

async function openPage(connection: Connection, url: string, window: BrowserWindow): Promise<BrowserPage> {
  const { targetId } = await connection.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await connection.send("Target.attachToTarget", { targetId, flatten: true });
  const page = new DevToolsPage(connection, String(sessionId));
  await page.load(url, window);
  return page;
}

type Message = Readonly<Record<string, unknown>>;

/** Messages of the DevTools protocol, each ended by a zero byte. */
class Connection {
  readonly #input: Writable;
  readonly #waiting = new Map<number, { resolve: (result: Message) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Map<string, (method: string, params: Message) => void>();
  #last = 0;
  #rest = "";

  constructor(child: ChildProcess) {
    this.#input = child.stdio[3] as Writable;
    this.#input.on("error", () => {});
    const output = child.stdio[4] as Readable;
    output.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
    const fail = (): void => this.#fail("chromium has ended");
    child.once("exit", fail).once("error", fail);
  }

  send(method: string, params: Message = {}, sessionId?: string): Promise<Message> {
    this.#last += 1;
    const id = this.#last;
    const answer = new Promise<Message>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answer;
  }

  listen(sessionId: string, listener: (method: string, params: Message) => void): void {
    this.#listeners.set(sessionId, listener);
  }

  #receive(text: string): void {
    const parts = (this.#rest + text).split("\0");
    this.#rest = parts.pop() ?? "";
    for (const part of parts) this.#handle(JSON.parse(part) as Message);
  }

  #handle({ id, result, error, method, params, sessionId }: Message): void {
    if (typeof method === "string") this.#listeners.get(String(sessionId))?.(method, params as Message);
    const waiting = this.#waiting.get(Number(id));
    if (waiting === undefined) return;
    this.#waiting.delete(Number(id));
    if (error === undefined) waiting.resolve(result as Message);
    else waiting.reject(new Error(`chromium: ${JSON.stringify(error)}`));
  }

  #fail(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}

/** Keys that aren't characters, and their codes for the protocol. */
const KEY_CODES: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  Escape: 27,
  End: 35,
  Home: 36,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
};

class DevToolsPage implements BrowserPage {
  readonly requests: string[] = [];
  readonly errors: string[] = [];
  readonly #connection: Connection;
  readonly #sessionId: string;
  #loaded: () => void = () => {};

  constructor(connection: Connection, sessionId: string) {
    this.#connection = connection;
    this.#sessionId = sessionId;
    connection.listen(sessionId, (method, params) => this.#hear(method, params));
  }

  async load(url: string, { width, height, dark = false }: BrowserWindow): Promise<void> {
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.#send(`${domain}.enable`);
    await this.#send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await this.#send("Emulation.setEmulatedMedia", { features });
    const loaded = new Promise<void>((resolve) => {
      this.#loaded = resolve;
    });
    await this.#send("Page.navigate", { url });
    await loaded;
  }

  async evaluate<T>(expression: string): Promise<T> {
    const options = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", options);
    if (exceptionDetails !== undefined) throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }

  async until(expression: string): Promise<void> {
    const wait = `new Promise((resolve) => {
      const look = () => ((${expression}) ? resolve(true) : requestAnimationFrame(look));
      look();
    })`;
    await this.evaluate(wait);
  }

  async point(selector: string, x = 0.5, y = 0.5): Promise<void> {
    await this.#moveTo(selector, x, y);
  }

  async click(selector: string, x = 0.5, y = 0.5): Promise<void> {
    const where = await this.#moveTo(selector, x, y);
    const press = { ...where, button: "left", clickCount: 1 };
    await this.#send("Input.dispatchMouseEvent", { type: "mousePressed", ...press });
    await this.#send("Input.dispatchMouseEvent", { type: "mouseReleased", ...press });
  }

  async #moveTo(selector: string, x: number, y: number): Promise<{ x: number; y: number }> {
    const where = await this.evaluate<{ x: number; y: number }>(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "center" });
      const box = element.getBoundingClientRect();
      return { x: box.left + box.width * ${x}, y: box.top + box.height * ${y} };
    })()`);
    await this.#send("Input.dispatchMouseEvent", { type: "mouseMoved", ...where });
    return where;
  }

  async type(text: string): Promise<void> {
    await this.#send("Input.insertText", { text });
  }

  async press(key: string): Promise<void> {
    const code = { key, code: key, windowsVirtualKeyCode: KEY_CODES[key] };
    await this.#send("Input.dispatchKeyEvent", {
      type: "keyDown",
      ...code,
      ...(key === "Enter" ? { text: "\r" } : {}),
    });
    await this.#send("Input.dispatchKeyEvent", { type: "keyUp", ...code });
  }

  async screenshot(path: string): Promise<void> {
    const { data } = await this.#send("Page.captureScreenshot", { captureBeyondViewport: true });
    await writeFile(path, Buffer.from(String(data), "base64"));
  }

  #send(method: string, params: Message = {}): Promise<Message> {
    return this.#connection.send(method, params, this.#sessionId);
  }

  #hear(method: string, params: Message): void {
    if (method === "Page.loadEventFired") this.#loaded();
    if (method === "Network.requestWillBeSent") this.requests.push((params.request as { url: string }).url);
    if (method === "Runtime.exceptionThrown") this.errors.push(JSON.stringify(params.exceptionDetails));
    if (method !== "Log.entryAdded") return;
    const { level, text } = params.entry as { level: string; text: string };
    if (level === "error") this.errors.push(text);
  }
}
