import {signal, type Signal} from "@preact/signals";
import {may} from "./access/rights";
import {settled, type Answer, type Named, type Question} from "./conflicts";
import {bytes, host} from "./format";
import {unfinished as unfinishedIn} from "./memory";
import {Meter, type Overall} from "./overall";
import {removeNow} from "./removal";
import {cluster, nodes, safeStorage, say} from "./state";
import {taken} from "./taken";
import {t} from "./text";
import type {Transfer} from "./transfer";

// The upload queue: two at a time.

export type UploadState =
  | "waiting"
  | "sending"
  | "securing"
  | "paused"
  | "done"
  | "failed"
  | "refused"
  | "cancelled";

// As the nodes take it, but for `ever`.
export const times = ["ever", "1h", "1d", "7d", "30d"] as const;
export type KeptFor = (typeof times)[number];

export interface Upload {
  id: number;
  file: File;
  name: string;
  keptFor: KeptFor;
  state: Signal<UploadState>;
  sent: Signal<number>;
  speed: Signal<number>; // bytes per second, smoothed
  note: Signal<string>;
  transfer: Transfer | undefined; // once it has begun
  runs: number; // times that it was set going
}

export const keptFor = signal<KeptFor>("ever"); // of what is chosen next
export const uploads = signal<readonly Upload[]>([]);
// Names of files that an earlier page was sending: the same file, chosen again, goes on.
export const unfinished = signal<readonly string[]>(unfinishedIn(safeStorage()));

// Asks about a name that is taken, while it is set.
export const asking = signal<(Question & {answer(given: Answer): void}) | undefined>(undefined);
export const overall = signal<Overall | undefined>(undefined);

const atOnce = 2;
const lookPause = 500; // ms
const senderPause = 1000; // ms

let nextId = 1;
let deciding: Promise<unknown> = Promise.resolve(); // one choice of files after the other
let looking: ReturnType<typeof setInterval> | undefined;

// Too large files are refused, taken names asked about, the rest is sent.
export function add(chosen: Iterable<Named>): void {
  if (!may("write")) return say(t("needs_write"), true);
  const list = [...chosen];
  const kept = keptFor.value;
  const limit = cluster.value?.max_file_size ?? Infinity;
  enqueue(list.filter(({file}) => file.size > limit).map((each) => refused(each, limit)));
  const fitting = list.filter(({file}) => file.size <= limit);
  deciding = deciding.then(() => begin(fitting, kept)).catch((failure: Error) => say(failure.message, true));
}

async function begin(chosen: Named[], keptFor: KeptFor): Promise<void> {
  const kept = await settled(chosen, {taken: takenHere, ask});
  const names = new Set(kept.map(({name}) => name));
  await removeNow(names);
  unfinished.value = unfinished.value.filter((name) => !names.has(name));
  enqueue(kept.map((each) => uploadOf(each, keptFor)));
  startWaiting();
}

// By a file in the cluster, or by one that is on its way there.
async function takenHere(names: readonly string[]): Promise<ReadonlySet<string>> {
  const all = new Set(await taken(names).catch(() => []));
  const running = new Set(uploads.value.filter(isRunning).map(({name}) => name));
  for (const name of names) if (running.has(name)) all.add(name);
  return all;
}

function ask(question: Question): Promise<Answer> {
  return new Promise((resolve) => {
    const answer = (given: Answer) => {
      asking.value = undefined;
      resolve(given);
    };
    asking.value = {...question, answer};
  });
}

function enqueue(made: Upload[]): void {
  if (made.length > 0) uploads.value = [...uploads.value, ...made];
}

function uploadOf({file, name}: Named, keptFor: KeptFor = "ever"): Upload {
  return {
    id: nextId++,
    file,
    name,
    keptFor,
    state: signal<UploadState>("waiting"),
    sent: signal(0),
    speed: signal(0),
    note: signal(""),
    transfer: undefined,
    runs: 0,
  };
}

function refused(each: Named, limit: number): Upload {
  const upload = uploadOf(each);
  upload.state.value = "refused";
  upload.note.value = t("too_large", bytes(each.file.size), bytes(limit));
  return upload;
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
  const over = (each: Upload) => ["done", "cancelled", "refused"].includes(each.state.value);
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
  for (const upload of waiting.slice(0, Math.max(0, atOnce - sending))) void run(upload);
  watchAll();
}

// While something is sent, looks now and then how far everything is.
function watchAll(): void {
  const running = uploads.value.some(isRunning);
  if (!running) {
    clearInterval(looking);
    looking = undefined;
    overall.value = undefined;
  } else if (looking === undefined) {
    const meter = new Meter();
    const look = () => (overall.value = meter.look(counted(), performance.now()));
    look();
    looking = setInterval(look, lookPause);
  }
}

function counted() {
  const out = ["failed", "refused", "cancelled"];
  return uploads.value
    .filter(({state}) => !out.includes(state.value))
    .map(({file, sent}) => ({size: file.size, sent: sent.value}));
}

// What sends files comes after the page itself, which is there sooner without.
let sender: Promise<typeof import("./transfer")> | undefined;
setTimeout(() => void fetchSender().catch(() => undefined), senderPause);

function fetchSender() {
  sender ??= import("./transfer").catch((failure) => {
    sender = undefined;
    throw failure;
  });
  return sender;
}

async function run(upload: Upload): Promise<void> {
  upload.state.value = "sending";
  const mine = ++upload.runs;
  try {
    const {Transfer} = await fetchSender();
    if (mine !== upload.runs || upload.state.value !== "sending") return; // held meanwhile
    upload.transfer ??= transferOf(upload, Transfer);
    upload.transfer.start();
  } catch {
    become(upload, "failed", t("error_unreachable"));
  }
}

function transferOf(upload: Upload, Made: typeof Transfer): Transfer {
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
  const {file, name, keptFor} = upload;
  const ttl = keptFor === "ever" ? undefined : keptFor;
  return new Made({file, name, ttl}, nodes, listener, safeStorage());
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
