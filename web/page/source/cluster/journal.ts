// What happened, newest first, within a bound. Sentences are made when they are shown, so that they
// follow the language.

export const kinds = ["node", "copy", "client", "file", "page"] as const;
export type Kind = (typeof kinds)[number];

export interface Happening {
  id: number;
  at: number; // of the last time
  kind: Kind;
  times: number;
  tell(): string;
  same: string; // equal for what happened again
}

export const journalBound = 200;
const togetherWithin = 5000; // ms: the same thing, told once with a count

export class Journal {
  list: readonly Happening[] = [];
  private nextId = 1;

  add(kind: Kind, same: string, tell: () => string, now: number): void {
    const last = this.list.slice(0, 8).find((each) => each.kind === kind && each.same === same);
    if (last && now - last.at < togetherWithin) {
      const again = {...last, at: Math.max(last.at, now), times: last.times + 1};
      const others = this.list.filter((each) => each !== last);
      this.list = inOrder(others, again);
      return;
    }
    const fresh = {id: this.nextId++, at: now, kind, times: 1, tell, same};
    this.list = inOrder(this.list, fresh).slice(0, journalBound);
  }
}

// What was long on its way is put where it belongs.
function inOrder(list: readonly Happening[], fresh: Happening): Happening[] {
  const at = list.findIndex((each) => each.at <= fresh.at);
  return at < 0 ? [...list, fresh] : [...list.slice(0, at), fresh, ...list.slice(at)];
}

export function clockTime(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}

export function asText(list: readonly Happening[]): string {
  return list.map((each) => `${clockTime(each.at)} ${sentence(each)}\n`).join("");
}

export function sentence(happening: Happening): string {
  return happening.tell() + (happening.times > 1 ? ` ×${happening.times}` : "");
}

const spokenAtOnce = 3;

// For people who listen: what came since the last time, never more than a few sentences.
export class Announcer {
  private readonly waiting: (() => string)[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly say: (sentences: string) => void,
    private readonly pause = 3000,
  ) {}

  add(tell: () => string): void {
    this.waiting.push(tell);
    if (this.waiting.length > spokenAtOnce) this.waiting.shift();
    this.timer ??= setTimeout(() => this.speak(), 300);
  }

  private speak(): void {
    if (this.waiting.length === 0) {
      this.timer = undefined;
      return;
    }
    this.say(this.waiting.splice(0).map((tell) => tell()).join(". "));
    this.timer = setTimeout(() => this.speak(), this.pause);
  }
}
