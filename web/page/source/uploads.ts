import {batch, signal, type Signal} from "@preact/signals";
import {filePath, host} from "./format";
import {problemOf} from "./nodes";
import {nodes} from "./state";
import {t} from "./text";

// The upload queue: two at a time; an upload whose node dies or hangs goes on at another one.

export type UploadState = "waiting" | "sending" | "securing" | "done" | "failed" | "cancelled";

export interface Upload {
  id: number;
  file: File;
  name: string;
  state: Signal<UploadState>;
  sent: Signal<number>;
  speed: Signal<number>; // bytes per second, smoothed
  note: Signal<string>;
  abort: (() => void) | undefined;
}

export const uploads = signal<readonly Upload[]>([]);

const atOnce = 2;
const quietLimit = 3000; // ms without progress until the node is asked whether it is there
const answerLimit = 2000; // ms that it has to answer
const attempts = 8;

let nextId = 1;

export function add(chosen: Iterable<{file: File; name: string}>): void {
  const made = [...chosen].map(({file, name}): Upload => ({
    id: nextId++,
    file,
    name,
    state: signal<UploadState>("waiting"),
    sent: signal(0),
    speed: signal(0),
    note: signal(""),
    abort: undefined,
  }));
  uploads.value = [...uploads.value, ...made];
  startWaiting();
}

export function cancel(upload: Upload): void {
  upload.state.value = "cancelled";
  upload.abort?.();
  startWaiting();
}

export function retry(upload: Upload): void {
  upload.state.value = "waiting";
  upload.note.value = "";
  startWaiting();
}

export function clearFinished(): void {
  uploads.value = uploads.value.filter((each) => isRunning(each) || each.state.value === "failed");
}

export function isRunning(upload: Upload): boolean {
  return ["waiting", "sending", "securing"].includes(upload.state.value);
}

function isCancelled(upload: Upload): boolean {
  return upload.state.value === "cancelled";
}

function startWaiting(): void {
  const sending = uploads.value.filter((each) => /sending|securing/.test(each.state.value)).length;
  const waiting = uploads.value.filter((each) => each.state.value === "waiting");
  for (const upload of waiting.slice(0, Math.max(0, atOnce - sending))) void run(upload);
}

async function run(upload: Upload): Promise<void> {
  let origin = nodes.best;
  upload.state.value = "sending";
  for (let attempt = 0; attempt < attempts; ++attempt) {
    const outcome = await send(upload, origin);
    if (isCancelled(upload)) return;
    if (outcome === "stored") break;
    if (outcome instanceof Error) return fail(upload, outcome.message);
    const next = outcome.elsewhere ? nodes.after(origin) : origin;
    upload.note.value = outcome.sentence || t("moved_upload", host(origin), host(next));
    if (outcome.elsewhere) nodes.silent(origin);
    await new Promise((resolve) => setTimeout(resolve, outcome.wait));
    origin = next;
    if (attempt === attempts - 1) return fail(upload, outcome.sentence || t("error_unreachable"));
  }
  batch(() => {
    upload.state.value = "done";
    upload.note.value = "";
    upload.sent.value = upload.file.size;
  });
  startWaiting();
}

function fail(upload: Upload, sentence: string): void {
  upload.state.value = "failed";
  upload.note.value = sentence;
  startWaiting();
}

// Try again: elsewhere when the node does not answer, later when the cluster says so.
interface Again {
  elsewhere: boolean;
  wait: number;
  sentence: string;
}

function send(upload: Upload, origin: string): Promise<"stored" | Error | Again> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const pace = new Pace(upload);
    const patience = new Patience(origin, () => request.abort());
    const settle = (outcome: "stored" | Error | Again) => {
      patience.end();
      upload.abort = undefined;
      resolve(outcome);
    };
    const gone = () => settle({elsewhere: true, wait: 200, sentence: ""});
    upload.abort = () => request.abort();
    request.upload.onprogress = (event) => {
      patience.renew();
      pace.seen(event.loaded);
    };
    request.upload.onload = () => {
      patience.renew();
      upload.state.value = "securing";
    };
    request.onload = () => settle(judge(request));
    request.onerror = request.onabort = gone;
    upload.state.value = "sending";
    upload.sent.value = 0;
    request.open("PUT", origin + filePath(upload.name));
    if (upload.file.type) request.setRequestHeader("Content-Type", upload.file.type);
    request.send(upload.file);
  });
}

function judge(request: XMLHttpRequest): "stored" | Error | Again {
  if (request.status >= 200 && request.status < 300) return "stored";
  const retryAfter = request.getResponseHeader("Retry-After");
  const problem = problemOf(request.status, request.responseText, retryAfter);
  if (request.status === 503) {
    const wait = Math.min(10, Math.max(1, problem.retryAfter)) * 1000;
    return {elsewhere: true, wait, sentence: problem.message};
  }
  return problem;
}

// Runs `leave` when an upload stands still and its node does not answer: slow alone is no reason.
class Patience {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended = false;

  constructor(
    private readonly origin: string,
    private readonly leave: () => void,
  ) {
    this.renew();
  }

  renew(): void {
    clearTimeout(this.timer);
    if (!this.ended) this.timer = setTimeout(() => void this.ask(), quietLimit);
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  private async ask(): Promise<void> {
    const there = await nodes.answers(this.origin, answerLimit);
    if (this.ended) return;
    if (there) this.renew();
    else this.leave();
  }
}

class Pace {
  private at = performance.now();
  private sent = 0;

  constructor(private readonly upload: Upload) {}

  seen(sent: number): void {
    this.upload.sent.value = sent;
    const now = performance.now();
    const elapsed = now - this.at;
    if (elapsed < 250) return;
    const speed = ((sent - this.sent) * 1000) / elapsed;
    const before = this.upload.speed.value;
    this.upload.speed.value = before === 0 ? speed : before * 0.7 + speed * 0.3;
    this.at = now;
    this.sent = sent;
  }
}
