// Files and folders out of a drop, with their paths inside the folder as names.

export interface Dropped {
  file: File;
  name: string;
}

export async function dropped(data: DataTransfer): Promise<Dropped[]> {
  // Entries must be taken before the first wait: the browser empties the list after the event.
  const items = [...data.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...data.files];
  if (!entries.some((entry) => entry?.isDirectory)) return plain.map(named);
  const found: Dropped[] = [];
  for (const entry of entries) if (entry) await walk(entry, found);
  return found;
}

export function picked(list: FileList): Dropped[] {
  return [...list].map(named);
}

function named(file: File): Dropped {
  return {file, name: file.webkitRelativePath || file.name};
}

async function walk(entry: FileSystemEntry, found: Dropped[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({file, name: entry.fullPath.replace(/^\//, "")});
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return; // it answers in parts, the last one empty
    for (const each of some) await walk(each, found);
  }
}
