// The service worker: answers /stream/ID from the page's block pool, and keeps the page's own files
// so that it opens when its node is dead.
//
// It holds no state: the browser may stop and start it between any two requests. A page that asks
// for /stream/ID owns the pool; the bytes come through a MessagePort, one message for each pull, so
// that a video element that reads no further stops the work.

declare const self: ServiceWorkerGlobalScope;
declare const SHELL: string[]; // paths of the page's files
declare const BUILD: string; // changes with any of them

const cacheName = `chisme-${BUILD}`;
const patience = 1200; // ms until a silent node's page is answered from the cache

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(cacheName)
      .then((cache) => cache.addAll(SHELL.map((path) => new Request(path, {cache: "reload"}))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((n) => n !== cacheName).map((n) => caches.delete(n))),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "claim") event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== self.location.origin || event.request.method !== "GET") return;
  if (url.pathname.startsWith("/stream/")) {
    event.respondWith(stream(event, decodeURIComponent(url.pathname.slice("/stream/".length))));
  } else if (url.pathname === "/") {
    event.respondWith(shell(event.request, "/"));
  } else if (SHELL.includes(url.pathname)) {
    event.respondWith(asset(event.request, url.pathname));
  }
});

// The page: from the node when it answers in time, else the one that was kept.
async function shell(request: Request, path: string): Promise<Response> {
  const kept = await caches.match(path, {cacheName, ignoreSearch: true});
  if (!kept) return fetch(request);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), patience);
  try {
    const fresh = await fetch(path, {signal: abort.signal, cache: "no-store"});
    return fresh.ok ? fresh : kept;
  } catch {
    return kept;
  } finally {
    clearTimeout(timer);
  }
}

async function asset(request: Request, path: string): Promise<Response> {
  return (await caches.match(path, {cacheName, ignoreSearch: true})) ?? fetch(request);
}

interface StreamHead {
  status: number;
  headers: Record<string, string>;
}

async function stream(event: FetchEvent, id: string): Promise<Response> {
  const client = await self.clients.get(event.clientId);
  if (!client) return new Response(null, {status: 410});
  const {port1: port, port2} = new MessageChannel();
  const range = event.request.headers.get("Range");
  const head = new Promise<StreamHead>((resolve) => {
    port.onmessage = (answer) => resolve(answer.data as StreamHead);
  });
  client.postMessage({kind: "stream", id, range}, [port2]);
  const {status, headers} = await head;
  const body = status < 300 ? pulling(port, event.request.signal) : null;
  return new Response(body, {status, headers});
}

function pulling(port: MessagePort, signal: AbortSignal): ReadableStream<Uint8Array> {
  const stop = () => {
    port.postMessage("stop");
    port.close();
  };
  signal.addEventListener("abort", stop);
  return new ReadableStream(
    {
      pull(controller) {
        return new Promise((resolve) => {
          port.onmessage = ({data}: MessageEvent<Uint8Array | "end" | "error">) => {
            if (data instanceof Uint8Array) controller.enqueue(data);
            else if (data === "end") controller.close();
            else controller.error(new Error("the stream ended early"));
            if (!(data instanceof Uint8Array)) port.close();
            resolve();
          };
          port.postMessage("pull");
        });
      },
      cancel: stop,
    },
    {highWaterMark: 1},
  );
}
export {};
