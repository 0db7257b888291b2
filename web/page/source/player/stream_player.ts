import type {BlockPool} from "./block_pool";
import {parseRange} from "./range";

// Answers the service worker's /stream/ID requests of this page from a block pool.

const pools = new Map<string, {pool: BlockPool; type: string; ahead: () => number}>();
let listening = false;
let nextId = 1;

const chunk = 256 * 1024;
const firstAhead = 128 * 1024;

// Whether a service worker stands between this page and the network. Waits a little for a first one.
export async function workerReady(): Promise<boolean> {
  const container = navigator.serviceWorker;
  if (!container) return false;
  if (container.controller) return true;
  const controlled = new Promise<boolean>((resolve) => {
    container.addEventListener("controllerchange", () => resolve(true), {once: true});
    setTimeout(() => resolve(Boolean(container.controller)), 3000);
  });
  // A hard reload leaves the page without its worker until the worker takes it over again.
  void container.ready.then((registration) => registration.active?.postMessage("claim"));
  return controlled;
}

// Makes `pool` readable at the URL it answers with; `ahead` says how many bytes to ask for before
// they are read.
export function serve(
  pool: BlockPool,
  type: string,
  ahead: () => number,
): {url: string; end(): void} {
  if (!listening) navigator.serviceWorker.addEventListener("message", answer);
  listening = true;
  const id = String(nextId++);
  pools.set(id, {pool, type, ahead});
  return {url: `/stream/${id}`, end: () => pools.delete(id)};
}

function answer(event: MessageEvent): void {
  const port = event.ports[0];
  if (event.data?.kind !== "stream" || !port) return;
  const entry = pools.get(event.data.id);
  if (!entry) return port.postMessage({status: 404, headers: {}});
  const {pool, type, ahead} = entry;
  const {size} = pool.file;
  const range = parseRange(event.data.range, size);
  if (!range) {
    return port.postMessage({status: 416, headers: {"Content-Range": `bytes */${size}`}});
  }
  const partial = event.data.range !== null;
  const headers: Record<string, string> = {
    "Content-Type": type,
    "Content-Length": String(range.end - range.start),
    "Accept-Ranges": "bytes",
    "Cache-Control": "no-store",
  };
  if (partial) headers["Content-Range"] = `bytes ${range.start}-${range.end - 1}/${size}`;
  pump(port, pool, range.start, range.end, ahead);
  port.postMessage({status: partial ? 206 : 200, headers});
}

function pump(
  port: MessagePort,
  pool: BlockPool,
  at: number,
  end: number,
  ahead: () => number,
): void {
  const abort = new AbortController();
  // Little at first: a media element asks for the start, the end and the middle of a file before it
  // plays, and whatever was asked for too much stands in the way of the next.
  let window = firstAhead;
  port.onmessage = async ({data}) => {
    if (data === "stop") {
      abort.abort();
      pool.forgetAhead();
      return port.close();
    }
    if (at >= end) return port.postMessage("end");
    try {
      pool.prefetch(at, Math.min(window, ahead(), end - at));
      const bytes = await pool.read(at, Math.min(chunk, end - at), abort.signal);
      at += bytes.length;
      window += 2 * bytes.length;
      port.postMessage(bytes, [bytes.buffer]);
    } catch {
      port.postMessage("error");
    }
  };
}
