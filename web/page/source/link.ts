import {filePath} from "./format";
import {connection, nodes} from "./state";
import type {StoredFile} from "./types";

// At the node that answers now: the page's own may be dead.
function here(): string {
  return connection.value.origin || nodes.best;
}

export function downloadUrl(file: StoredFile): string {
  return `${here()}/client?file=${encodeURIComponent(file.name)}`;
}

export function linkTo(file: StoredFile): string {
  return here() + filePath(file.name);
}
