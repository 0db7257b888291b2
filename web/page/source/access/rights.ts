import {computed, signal} from "@preact/signals";
import type {Nodes} from "../nodes";
import {tokens} from "./ask";
import {carriedBy, storageKey} from "./token";

// What this page may do, as the nodes say.

const roles = ["none", "read", "write", "admin"] as const;
export type Role = (typeof roles)[number];

// The JSON of /access.
export interface Access {
  access: "open" | "read" | "token";
  role: Role;
  expires: string | null;
  shares: boolean;
}

// Of a node that knows nothing of access.
const asBefore: Access = {access: "open", role: "admin", expires: null, shares: false};
const soonest = 5000; // ms between two looks at a token that is about to expire
const patience = 2000; // ms that a node has to answer
const longest = 2 ** 31 - 1; // ms that a timer takes

export const access = signal<Access | undefined>(undefined); // not heard of yet
export const refused = signal(false); // a token is held that the nodes do not accept
export const held = signal(tokens.held);
export const changes = signal(0); // of the token
export const dialogOpen = signal(false);

export const role = computed<Role>(() => {
  const now = access.value;
  if (!now || now.access === "open") return "admin"; // what is not so, a node says
  return now.access === "read" && now.role === "none" ? "read" : now.role;
});

export const may = (wanted: Role): boolean => roles.indexOf(role.value) >= roles.indexOf(wanted);

// Whether a link has to bring its own right to read: a browser sends no token with it.
export const readingIsGuarded = computed(() => access.value?.access === "token");

let looking: Promise<void> | undefined;
let expiring: ReturnType<typeof setTimeout> | undefined;

// Asks a node what the page may do now.
export function look(nodes: Nodes): Promise<void> {
  looking ??= lookOnce(nodes).finally(() => (looking = undefined));
  return looking;
}

async function lookOnce(nodes: Nodes): Promise<void> {
  const before = changes.value;
  const response = await nodes.fetchAny("/access");
  const shown = tokens.for(response.url) !== undefined;
  if (tokens.held && !refused.value && !shown) return; // by a stranger, who cannot tell
  const now = await answerOf(response);
  if (before !== changes.value || !now) return;
  if (!shown || now.role !== "none") return heard(now, nodes);
  putAside();
  await lookOnce(nodes); // what may be done without
}

// Undefined: the node cannot tell now. A token that is not valid may be an error to it.
async function answerOf(response: Response): Promise<Access | undefined> {
  if (response.status === 404) return asBefore;
  if (response.ok) return await response.json();
  if (response.status !== 401) return undefined;
  return {access: access.value?.access ?? "token", role: "none", expires: null, shares: false};
}

function putAside(): void {
  tokens.putAside();
  refused.value = true;
}

function heard(now: Access, nodes: Nodes): void {
  access.value = now;
  clearTimeout(expiring);
  if (!now.expires) return;
  const left = Date.parse(now.expires) - Date.now();
  const delay = Math.min(longest, Math.max(soonest, left + 1000));
  expiring = setTimeout(() => void look(nodes).catch(() => undefined), delay);
}

export type Outcome = "taken" | "refused" | "silent";

// Takes a token that a node accepts. "silent": no node that it may be shown to answers.
export async function give(token: string, onMachine: boolean, nodes: Nodes): Promise<Outcome> {
  for (const origin of tokens.nodes) {
    if (!(await nodes.answers(origin, patience))) continue;
    const headers = {Authorization: `Bearer ${token}`};
    const asked = fetch(origin + "/access", {headers, cache: "no-store"});
    const now = await asked.then(answerOf).catch(() => undefined);
    if (!now) continue;
    if (now.role === "none") return "refused";
    tokens.keep(token, onMachine);
    changed();
    heard(now, nodes);
    return "taken";
  }
  return "silent";
}

export async function forget(nodes: Nodes): Promise<void> {
  tokens.forget();
  changed();
  await looking?.catch(() => undefined);
  await look(nodes);
}

function changed(): void {
  held.value = tokens.held;
  refused.value = false;
  changes.value += 1;
}

// A link may bring a token behind its "#": it is out of the address before anything else happens.
// Answers whether it did.
export function takeFromAddress(): boolean {
  const carried = carriedBy(location.hash);
  if (!carried) return false;
  history.replaceState(null, "", location.pathname + location.search);
  if (!carried.token) return false;
  tokens.keepForTab(carried.token);
  changed();
  return true;
}

// Another tab took or forgot what this machine keeps.
export function watchOtherTabs(nodes: Nodes): void {
  addEventListener("storage", (event) => {
    const {key} = event as StorageEvent;
    if (key !== storageKey && key !== null) return;
    const before = tokens.for(location.origin);
    tokens.load();
    if (tokens.for(location.origin) === before) return;
    changed();
    void look(nodes).catch(() => undefined);
  });
}

// For the page at another address of the same node, whose storage is another one.
export function carriedOn(url: string): string {
  const token = tokens.for(location.origin);
  return token ? `${url}#token=${token}` : url;
}
