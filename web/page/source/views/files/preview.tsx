import {useSignal, type Signal} from "@preact/signals";
import {useEffect} from "preact/hooks";
import {ask} from "../../access/ask";
import {bytes, filePath} from "../../format";
import {kindOf} from "../../kind";
import {problemOf} from "../../nodes";
import {withAnyNode} from "../../removal";
import {t} from "../../text";
import type {StoredFile} from "../../types";
import {Download} from "../download";
import {Modal} from "./modal";

// A look at an image or a text, through whichever node answers.

const textMost = 256 * 1024;
const imageMost = 64 * 1024 * 1024;

type Look =
  | {kind: "loading"}
  | {kind: "image"; url: string}
  | {kind: "text"; text: string; cut: boolean}
  | {kind: "problem"; sentence: string};

export function Preview({file, close}: {file: StoredFile; close(): void}) {
  const look = useSignal<Look>({kind: "loading"});
  useEffect(() => {
    const abort = new AbortController();
    read(file, abort.signal)
      .catch((failure: Error): Look => ({kind: "problem", sentence: failure.message}))
      .then((now) => {
        if (!abort.signal.aborted) look.value = now;
        else if (now.kind === "image") URL.revokeObjectURL(now.url);
      });
    return () => {
      abort.abort();
      if (look.value.kind === "image") URL.revokeObjectURL(look.value.url);
    };
  }, []);
  return (
    <Modal name={file.name} kind="preview-dialog" close={close}>
      <Shown file={file} look={look} />
      <p class="muted">
        {bytes(file.size)} · <Download file={file}>{t("download")}</Download>
      </p>
    </Modal>
  );
}

function Shown({file, look}: {file: StoredFile; look: Signal<Look>}) {
  const now = look.value;
  switch (now.kind) {
    case "loading":
      return <p role="status">{t("preview_loading")}</p>;
    case "problem":
      return (
        <p class="problem" role="alert">
          {now.sentence}
        </p>
      );
    case "image":
      return (
        <img
          src={now.url}
          alt={file.name}
          onError={() => (look.value = {kind: "problem", sentence: t("preview_broken")})}
        />
      );
    case "text":
      return (
        <>
          <pre tabIndex={0}>{now.text}</pre>
          {now.cut && <p class="muted">{t("preview_cut", bytes(textMost))}</p>}
        </>
      );
  }
}

async function read(file: StoredFile, signal: AbortSignal): Promise<Look> {
  const image = kindOf(file) === "image";
  if (image && file.size > imageMost) {
    return {kind: "problem", sentence: t("preview_large", bytes(imageMost))};
  }
  const path = filePath(file.name) + "?via=proxy";
  const response = await withAnyNode(async (origin) => {
    const answer = await ask(origin + path, {signal, cache: "no-store"});
    if (answer.status >= 500) throw problemOf(answer.status, await answer.text());
    return answer;
  }, signal);
  if (!response.ok) throw problemOf(response.status, await response.text());
  if (!image) return readText(response);
  const blob = await response.blob();
  return {kind: "image", url: URL.createObjectURL(new Blob([blob], {type: imageType(file)}))};
}

function imageType(file: StoredFile): string {
  if (/\.svg$/i.test(file.name)) return "image/svg+xml";
  return /^image\//.test(file.type) ? file.type : ""; // else the browser looks at the bytes
}

// Its beginning: the rest is not fetched.
async function readText(response: Response): Promise<Look> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let got = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return {kind: "text", text, cut: false};
    text += decoder.decode(value.subarray(0, textMost - got), {stream: true});
    got += value.length;
    if (got <= textMost) continue;
    void reader.cancel().catch(() => undefined);
    return {kind: "text", text, cut: true};
  }
}
