import {effect, signal} from "@preact/signals";

// Which section is open, and which node is chosen: "#files", "#trash",
// "#cluster", "#cluster/NODE".

const sections = ["files", "trash", "cluster"] as const;
export type Section = (typeof sections)[number];

export const section = signal<Section>("files");
export const chosenNode = signal<string | undefined>(undefined);

export function followAddress(): void {
  read();
  addEventListener("hashchange", read);
  effect(() => {
    const node = chosenNode.value;
    if (section.value === "cluster") history.replaceState(null, "", address(node));
  });
}

export function choose(node: string | undefined): void {
  chosenNode.value = node;
}

function address(node: string | undefined): string {
  return node ? `#cluster/${encodeURIComponent(node)}` : "#cluster";
}

function read(): void {
  const [name, node] = location.hash.slice(1).split("/");
  section.value = sections.find((each) => each === name) ?? "files";
  if (node) chosenNode.value = decodeURIComponent(node);
}
