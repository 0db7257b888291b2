import {ask} from "./access/ask";
import {access, role} from "./access/rights";
import {t} from "./text";
import type {Problem} from "./types";

// The nodes that this page knows, the one that last answered first. They are kept in the browser,
// so that a reload goes on when the node that the page came from is dead.

const storageKey = "chisme.nodes";
const giveOthersAChance = 400; // ms without an answer until the next node is asked too
const lastChance = 5000;
const bound = 64;

export class ProblemError extends Error {
  constructor(
    readonly status: number,
    sentence: string,
    readonly retryAfter: number,
  ) {
    super(sentence);
  }
}

export class Nodes {
  private origins: string[];

  constructor(
    readonly home: string,
    private readonly storage?: Pick<Storage, "getItem" | "setItem">,
  ) {
    this.origins = unique([home, ...this.stored()]);
  }

  get all(): readonly string[] {
    return this.origins;
  }

  get best(): string {
    return this.origins[0]!;
  }

  // The next one to try after `origin`.
  after(origin: string): string {
    const at = this.origins.indexOf(origin);
    return this.origins[(at + 1) % this.origins.length]!;
  }

  learn(origins: string[]): void {
    this.origins = unique([...this.origins, ...origins.filter((o) => /^https?:\/\//.test(o))]);
    this.store();
  }

  answered(origin: string): void {
    this.origins = unique([origin, ...this.origins]);
    this.store();
  }

  silent(origin: string): void {
    this.origins = unique([...this.origins.filter((known) => known !== origin), origin]);
  }

  // A GET to whichever node answers first: each gets a head start on the next.
  async fetchAny(path: string): Promise<Response> {
    const attempts: Promise<Response>[] = [];
    for (const origin of [...this.origins]) {
      attempts.push(this.fetchFrom(origin, path));
      const first = await Promise.race([Promise.any(attempts).catch(() => undefined), pause()]);
      if (first) return first;
    }
    const bounded = [Promise.any(attempts), pause(lastChance).then(() => undefined)];
    const answer = await Promise.race(bounded).catch(() => undefined);
    if (!answer) throw unreachable();
    return answer;
  }

  // Whether that node answers within `limit` milliseconds.
  async answers(origin: string, limit: number): Promise<boolean> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), limit);
    try {
      await fetch(origin + "/healthz", {signal: abort.signal, cache: "no-store"});
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  private async fetchFrom(origin: string, path: string): Promise<Response> {
    try {
      const response = await ask(origin + path, {cache: "no-store"});
      if (response.status >= 500) throw problemOf(response.status, await response.text());
      this.answered(origin);
      return response;
    } catch (failure) {
      this.silent(origin);
      throw failure;
    }
  }

  private stored(): string[] {
    try {
      const list: unknown = JSON.parse(this.storage?.getItem(storageKey) ?? "[]");
      return Array.isArray(list) ? list.filter((each) => typeof each === "string") : [];
    } catch {
      return [];
    }
  }

  private store(): void {
    try {
      this.storage?.setItem(storageKey, JSON.stringify(this.origins));
    } catch {
      // Without storage the list lasts as long as the page.
    }
  }
}

export function unreachable(): ProblemError {
  return new ProblemError(0, t("error_unreachable"), 1);
}

// What a refusal says, as a sentence.
export function problemOf(status: number, body: string, retryAfter?: string | null): ProblemError {
  let sentence = t("error_status", status);
  const guarded = access.value && access.value.access !== "open";
  if (status === 401) return new ProblemError(status, t("access_lacking"), 0);
  if (status === 403 && guarded && role.value !== "admin") {
    return new ProblemError(status, t("access_role"), 0);
  }
  try {
    const problem: Problem = JSON.parse(body);
    sentence = problem.detail ?? problem.title ?? sentence;
  } catch {
    // Not a node's answer, perhaps a proxy's: its status is all that is known.
  }
  return new ProblemError(status, sentence, Number(retryAfter ?? 0) || 0);
}

function pause(delay = giveOthersAChance): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), delay));
}

function unique(origins: string[]): string[] {
  return [...new Set(origins)].slice(0, bound);
}
