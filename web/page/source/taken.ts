import {allKnown, files} from "./library";
import {nodes} from "./state";
import type {StoredFile} from "./types";

// Which of some names the cluster has a file of.

const atOnce = 6;
const pagesMost = 20; // of a folder's files

export async function taken(names: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const normal = new Map(names.map((name) => [name.normalize("NFC"), name]));
  const see = (list: Iterable<StoredFile>) => {
    for (const {name, incomplete} of list) {
      const own = normal.get(name);
      if (own !== undefined && !incomplete) found.add(own);
    }
  };
  if (allKnown()) see([...normal.keys()].flatMap((name) => files.value!.get(name) ?? []));
  else await askAll(prefixes([...normal.keys()]), see);
  return found;
}

// A whole folder is asked for at once, other names one by one.
function prefixes(names: readonly string[]): string[] {
  const folders = new Map<string, number>();
  const folderOf = (name: string) => name.slice(0, name.indexOf("/") + 1);
  for (const name of names) folders.set(folderOf(name), (folders.get(folderOf(name)) ?? 0) + 1);
  const prefixOf = (name: string) => {
    const folder = folderOf(name);
    return folder && folders.get(folder)! > 1 ? folder : name;
  };
  return [...new Set(names.map(prefixOf))];
}

async function askAll(list: string[], see: (files: StoredFile[]) => void): Promise<void> {
  const work = async () => {
    for (let next = list.pop(); next !== undefined; next = list.pop()) await ask(next, see);
  };
  await Promise.all(Array.from({length: atOnce}, work));
}

async function ask(prefix: string, see: (files: StoredFile[]) => void): Promise<void> {
  const folder = prefix.endsWith("/");
  let after = "";
  for (let page = 0; page < pagesMost; ++page) {
    const query = `prefix=${encodeURIComponent(prefix)}&limit=${folder ? 1000 : 1}`;
    const response = await nodes.fetchAny(`/files?${query}&after=${encodeURIComponent(after)}`);
    if (!response.ok) return; // the upload itself will tell what is wrong
    const answer: {files: StoredFile[]; next: string | null} = await response.json();
    see(answer.files);
    if (!folder || !answer.next) return;
    after = answer.next;
  }
}
