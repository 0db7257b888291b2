import {signal} from "@preact/signals";
import {safeStorage, tabStorage} from "../storage";
import {Tokens} from "./token";

// Every request of the page, with its token when it goes to a node of the cluster.

export const tokens = new Tokens(globalThis.location?.origin ?? "", tabStorage(), safeStorage());

// Counts what hints that the page may no longer do what it could: who wants to know looks at /access.
export const doubts = signal(0);

export function doubt(): void {
  doubts.value += 1;
}

export interface Asking extends RequestInit {
  headers?: Record<string, string>;
}

export async function ask(url: string, options: Asking = {}): Promise<Response> {
  const response = await fetch(url, {...options, headers: {...options.headers, ...bearer(url)}});
  if (response.status === 401 && !url.endsWith("/access")) doubt();
  return response;
}

export function bearer(url: string): Record<string, string> {
  const token = tokens.for(url);
  return token ? {Authorization: `Bearer ${token}`} : {};
}

// A browser's WebSocket has no other place for it.
export function openSocket(url: string): WebSocket {
  const token = tokens.for(url);
  return token ? new WebSocket(url, ["chisme", `chisme.bearer.${token}`]) : new WebSocket(url);
}
