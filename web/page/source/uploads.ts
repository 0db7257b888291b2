import {signal, type Signal} from "@preact/signals";
import {host} from "./format";
import {nodes, safeStorage} from "./state";
import {t} from "./text";
import {Transfer, unfinished as unfinishedIn} from "./transfer";

// The upload queue: two at a time.

export type UploadState =
  | "waiting"
  | "sending"
  | "securing"
  | "paused"
  | "done"
  | "failed"
  | "cancelled";

export interface Upload {
  id: number;
  file: File;
  name: string;
  state: Signal<UploadState>;
  sent: Signal<number>;
  speed: Signal<number>; // bytes per second, smoothed
  note: Signal<string>;
  transfer: Transfer | undefined; // once it has begun
}

export const uploads = signal<readonly Upload[]>([]);
// Names of files that an earlier page was sending: the same file, chosen again, goes on.
export const unfinished = signal<readonly string[]>(unfinishedIn(safeStorage()));

const atOnce = 2;

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
    transfer: undefined,
  }));
  const names = new Set(made.map(({name}) => name));
  unfinished.value = unfinished.value.filter((name) => !names.has(name));
  uploads.value = [...uploads.value, ...made];
  startWaiting();
}

export function pause(upload: Upload): void {
  upload.transfer?.pause();
  become(upload, "paused");
}

export function cancel(upload: Upload): void {
  upload.transfer?.cancel();
  upload.transfer = undefined;
  upload.sent.value = 0;
  become(upload, "cancelled");
}

// Goes on after a pause, a failure, or (from the beginning) after a cancellation.
export function resume(upload: Upload): void {
  become(upload, "waiting");
}

export function clearFinished(): void {
  const over = (each: Upload) => ["done", "cancelled"].includes(each.state.value);
  uploads.value = uploads.value.filter((each) => !over(each));
}

export function isRunning(upload: Upload): boolean {
  return ["waiting", "sending", "securing"].includes(upload.state.value);
}

function become(upload: Upload, state: UploadState, note = ""): void {
  upload.state.value = state;
  upload.note.value = note;
  upload.speed.value = 0;
  startWaiting();
}

function startWaiting(): void {
  const sending = uploads.value.filter((each) => /sending|securing/.test(each.state.value)).length;
  const waiting = uploads.value.filter((each) => each.state.value === "waiting");
  for (const upload of waiting.slice(0, Math.max(0, atOnce - sending))) run(upload);
}

function run(upload: Upload): void {
  upload.state.value = "sending";
  upload.transfer ??= transferOf(upload);
  upload.transfer.start();
}

function transferOf(upload: Upload): Transfer {
  const pace = new Pace(upload);
  const listener = {
    sent: (bytes: number) => {
      upload.state.value = bytes < upload.file.size ? "sending" : "securing";
      pace.seen(bytes);
    },
    moved: (from: string, to: string) => {
      upload.note.value = t("moved_upload", host(from), host(to));
    },
    refused: (sentence: string) => {
      upload.note.value = sentence;
    },
    stored: () => {
      upload.sent.value = upload.file.size;
      become(upload, "done");
    },
    failed: (sentence: string) => become(upload, "failed", sentence),
  };
  return new Transfer(upload.file, upload.name, nodes, listener, safeStorage());
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
    const speed = Math.max(0, ((sent - this.sent) * 1000) / elapsed);
    const before = this.upload.speed.value;
    this.upload.speed.value = before === 0 ? speed : before * 0.7 + speed * 0.3;
    this.at = now;
    this.sent = sent;
  }
}
