import type {ComponentChildren} from "preact";
import {readingIsGuarded} from "../access/rights";
import {download, downloadUrl} from "../link";
import {say} from "../state";
import type {StoredFile} from "../types";

interface Props {
  file: StoredFile;
  children: ComponentChildren;
  [attribute: string]: unknown;
}

// Downloads a file: a plain link where a link is answered, else a button that first gets a ticket.
export function Download({file, children, ...rest}: Props) {
  if (!readingIsGuarded.value) {
    const name = file.name.split("/").pop();
    return (
      <a {...rest} href={downloadUrl(file)} download={name}>
        {children}
      </a>
    );
  }
  const run = () => void download(file).catch((failure: Error) => say(failure.message, true));
  return (
    <button {...rest} class="quiet" onClick={run}>
      {children}
    </button>
  );
}
