// Where uploads are kept, for a page that is opened again: without the name of a node.

const storageKey = "chisme.upload.";
const keptFor = 24 * 3600_000; // ms, as long as the cluster keeps an upload

// Files whose upload is not done, for a page that was opened again.
export function unfinished(storage?: Storage): string[] {
  const names = new Set<string>();
  for (let i = 0; i < (storage?.length ?? 0); ++i) {
    const key = storage!.key(i)!;
    if (!key.startsWith(storageKey)) continue;
    const print = key.slice(storageKey.length);
    if (new Memory(print, storage).path()) names.add(print.slice(0, print.indexOf("|")));
  }
  return [...names];
}

// Where an upload is kept: "/uploads/ID".
export class Memory {
  private readonly key: string;

  constructor(
    fingerprint: string,
    private readonly storage?: Storage,
  ) {
    this.key = storageKey + fingerprint;
  }

  path(): string | undefined {
    const [path, since] = this.storage?.getItem(this.key)?.split(" ") ?? [];
    if (path && Date.now() - Number(since) < keptFor) return path;
    this.forget();
    return undefined;
  }

  keep(path: string): void {
    try {
      this.storage?.setItem(this.key, `${path} ${Date.now()}`);
    } catch {
      // Without storage an upload lasts as long as the page.
    }
  }

  forget(): void {
    this.storage?.removeItem(this.key);
  }
}
