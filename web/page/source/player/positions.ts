// Where each file was left, kept in the browser: the last hundred files, the latest last.

const key = "chisme.positions";
const kept = 100;
const leastSeconds = 10; // not worth to be remembered before
const endSeconds = 10; // a file left this near its end was seen

type Entry = [file: string, seconds: number];

export class Positions {
  constructor(private readonly storage?: Pick<Storage, "getItem" | "setItem">) {}

  // Seconds from the start, undefined for a file that is played from there.
  of(file: string): number | undefined {
    return this.entries().find(([each]) => each === file)?.[1];
  }

  left(file: string, seconds: number, duration: number): void {
    const others = this.entries().filter(([each]) => each !== file);
    const end = Number.isFinite(duration) ? duration - Math.max(endSeconds, duration / 50) : 0;
    if (seconds >= leastSeconds && seconds < end) others.push([file, Math.floor(seconds)]);
    try {
      this.storage?.setItem(key, JSON.stringify(others.slice(-kept)));
    } catch {
      // Without storage every file starts at its start.
    }
  }

  private entries(): Entry[] {
    try {
      const list: unknown = JSON.parse(this.storage?.getItem(key) ?? "[]");
      return Array.isArray(list) ? list.filter(isEntry) : [];
    } catch {
      return [];
    }
  }
}

function isEntry(each: unknown): each is Entry {
  return Array.isArray(each) && typeof each[0] === "string" && Number.isFinite(each[1]);
}
