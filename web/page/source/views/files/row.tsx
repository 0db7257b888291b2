import {may} from "../../access/rights";
import {minute} from "../../clock";
import {whyShort} from "../../copies";
import {bytes, dayAndTime, moment, span} from "../../format";
import {kindOf} from "../../kind";
import {filesOf, playing} from "../../library";
import {remove} from "../../removal";
import {rangeTo, selected, ticked} from "../../selection";
import {cluster} from "../../state";
import {t} from "../../text";
import type {StoredFile} from "../../types";
import {Download} from "../download";
import {opened} from "./dialogs";
import {Icon} from "./icons";
import {focusNext} from "./keys";

interface Place {
  index: number;
  total: number;
  top: number;
}

export function Row({file, index, total, top}: Place & {file: StoredFile}) {
  const on = selected.value.has(file.name);
  const reason = whyShort(file, cluster.value);
  return (
    <li
      class={on ? "file on" : "file"}
      style={{top: `${top}px`}}
      data-index={index}
      data-name={file.name}
      data-copies={file.copies}
      data-wanted={file.wanted}
      aria-setsize={total}
      aria-posinset={index + 1}
    >
      <Tick file={file} index={index} on={on} />
      <div class="file-name">
        <span class="name" title={file.name}>
          {file.name}
        </span>
        <span class="muted about">
          {bytes(file.size)}
          <span class={file.expires && "extra"}> · {moment(file.modified)}</span>
          {file.expires && <Expiry at={file.expires} />}
          {reason && (
            <span class="short reason" title={reason}>
              {reason}
            </span>
          )}
        </span>
      </div>
      <Copies file={file} />
      <Actions file={file} index={index} total={total} />
    </li>
  );
}

function Expiry({at}: {at: string}) {
  const exact = t("expires_at", dayAndTime(at));
  const left = (Date.parse(at) - minute.value) / 1000;
  return (
    <>
      {" · "}
      <time class="expiry" dateTime={at} title={exact}>
        {t("expires", span(left))}
        <span class="for-readers"> {exact}</span>
      </time>
    </>
  );
}

// A row that is on its way.
export function Blank({index, total, top}: Place) {
  return (
    <li
      class="file blank"
      style={{top: `${top}px`}}
      data-index={index}
      aria-setsize={total}
      aria-posinset={index + 1}
      aria-busy="true"
    >
      <span class="for-readers">{t("loading_row")}</span>
    </li>
  );
}

function Tick({file, index, on}: {file: StoredFile; index: number; on: boolean}) {
  return (
    <label class="tick">
      <input
        type="checkbox"
        data-act="tick"
        checked={on}
        aria-label={t("select_file", file.name)}
        onClick={(event) => void tick(index, event.shiftKey, event.currentTarget.checked)}
      />
    </label>
  );
}

async function tick(index: number, extend: boolean, on: boolean): Promise<void> {
  const {first, last} = rangeTo(index, extend);
  const list = await filesOf(first, last);
  selected.value = ticked(selected.value, list, on);
}

function Copies({file}: {file: StoredFile}) {
  if (file.incomplete) return <span class="copies muted">{t("being_stored")}</span>;
  const complete = file.copies >= file.wanted;
  const sentence = t(complete ? "copies_ok" : "copies_short", file.copies, file.wanted);
  return (
    <span class={complete ? "copies complete" : "copies short"} title={sentence}>
      <span aria-hidden="true">
        {complete ? "● " : "◐ "}
        {`${file.copies}/${file.wanted}`}
      </span>
      <span class="for-readers">{sentence}</span>
    </span>
  );
}

function Actions({file, index, total}: Omit<Place, "top"> & {file: StoredFile}) {
  const kind = kindOf(file);
  const hint = (text: string) => ({title: text, "aria-label": `${text}: ${file.name}`});
  return (
    <div class="actions">
      {kind === "media" && (
        <button
          class="play"
          data-act="show"
          {...hint(t("play"))}
          onClick={() => (playing.value = file)}
        >
          <Icon name="play" />
        </button>
      )}
      {(kind === "image" || kind === "text") && (
        <button
          class="quiet preview"
          data-act="show"
          {...hint(t("preview"))}
          onClick={() => (opened.value = {what: "preview", file})}
        >
          <Icon name="preview" />
        </button>
      )}
      <Download file={file} class="button quiet" data-act="download" {...hint(t("download"))}>
        <Icon name="download" />
      </Download>
      <button
        class="quiet link"
        data-act="link"
        {...hint(t("link"))}
        onClick={() => (opened.value = {what: "link", file})}
      >
        <Icon name="link" />
      </button>
      {may("write") && (
        <button
          class="quiet delete"
          data-act="delete"
          {...hint(t("delete"))}
          onClick={(event) => {
            focusNext(event.currentTarget, index, total);
            remove([file]);
          }}
        >
          <Icon name="delete" />
        </button>
      )}
    </div>
  );
}
