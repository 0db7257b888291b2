// Files whose names are taken already: somebody has to say what becomes of each.

export type Choice = "replace" | "both" | "skip";

export interface Named {
  file: File;
  name: string;
}

export interface Question {
  name: string;
  free: string; // the name that it would get beside the other one
  left: number; // more of the kind
}

export interface Answer {
  choice: Choice;
  forAll: boolean;
}

export interface World {
  taken(names: readonly string[]): Promise<ReadonlySet<string>>;
  ask(question: Question): Promise<Answer>;
}

// What is to be stored after all, under which names.
export async function settled<T extends Named>(chosen: readonly T[], world: World): Promise<T[]> {
  const stored = await world.taken(chosen.map(({name}) => name));
  const used = new Set(stored);
  const twice = chosen.map(({name}) => used.has(name) || !used.add(name));
  const kept: T[] = [];
  let general: Choice | undefined;
  let left = twice.filter(Boolean).length;
  for (const [i, each] of chosen.entries()) {
    if (!twice[i]) {
      kept.push(each);
      continue;
    }
    left -= 1;
    const free = await freeName(each.name, used, world);
    const answer = general
      ? {choice: general, forAll: true}
      : await world.ask({name: each.name, free, left});
    if (answer.forAll) general = answer.choice;
    if (answer.choice === "replace") kept.push(each);
    if (answer.choice === "both") kept.push({...each, name: free});
    if (answer.choice === "both") used.add(free);
  }
  return kept;
}

// "notes.txt" becomes "notes (2).txt", or (3), whichever nobody has.
export async function freeName(
  name: string,
  used: ReadonlySet<string>,
  world: Pick<World, "taken">,
): Promise<string> {
  const slash = name.lastIndexOf("/") + 1;
  const dot = name.lastIndexOf(".");
  const end = dot > slash ? dot : name.length;
  for (let count = 2; ; ++count) {
    const candidate = `${name.slice(0, end)} (${count})${name.slice(end)}`;
    if (used.has(candidate)) continue;
    if ((await world.taken([candidate])).size === 0) return candidate;
  }
}
