import {ask} from "../access/ask";
import {filePath} from "../format";

// A file that is still being uploaded is read from its start, as it comes: what can be played of it?

const looked = 4096; // bytes

export async function startOf(origin: string, name: string): Promise<Uint8Array> {
  const stop = new AbortController();
  const response = await ask(origin + filePath(name), {signal: stop.signal, cache: "no-store"});
  const bytes = new Uint8Array(looked);
  let filled = 0;
  const reader = response.body!.getReader();
  while (filled < looked) {
    const {value, done} = await reader.read();
    if (done) break;
    const part = value.subarray(0, looked - filled);
    bytes.set(part, filled);
    filled += part.length;
  }
  stop.abort();
  return bytes.subarray(0, filled);
}

// What became of it: it still comes, all of it is there, or its upload is over without it.
export type Upload = "comes" | "whole" | "over";

// Undefined: nobody can tell now.
export async function uploadOf(origin: string, name: string): Promise<Upload | undefined> {
  const options = {method: "HEAD", cache: "no-store"} as const;
  const url = origin + filePath(name) + "?via=proxy";
  const response = await ask(url, options).catch(() => undefined);
  if (response?.status === 404) return "over";
  if (!response?.ok) return undefined;
  return response.headers.has("Upload-Incomplete") ? "comes" : "whole";
}
