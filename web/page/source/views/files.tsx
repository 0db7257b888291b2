import {useSignal} from "@preact/signals";
import {bytes, moment} from "../format";
import {mediaType} from "../player/media_type";
import {files, playing, remove, search, shown} from "../library";
import {cluster, connection, nodes} from "../state";
import {t} from "../text";
import type {StoredFile} from "../types";

const rowsShown = 500;

// At the node that answers now: the page's own may be dead.
export function downloadUrl(file: StoredFile): string {
  const origin = connection.value.origin || nodes.best;
  return `${origin}/client?file=${encodeURIComponent(file.name)}`;
}

export function Files() {
  const all = files.value;
  const list = shown.value;
  return (
    <section class="card" aria-label={t("files")}>
      <div class="card-head">
        <h2>
          {t("files")}{" "}
          {all && <span class="muted">{Math.max(all.size, cluster.value?.files ?? 0)}</span>}
        </h2>
        <input
          type="search"
          placeholder={t("search")}
          aria-label={t("search")}
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
        />
      </div>
      {!all && (
        <p class="muted" role="status">
          {t("loading")}
        </p>
      )}
      {all?.size === 0 && <p class="empty">{t("empty")}</p>}
      {all && all.size > 0 && list.length === 0 && (
        <p class="empty">{t("no_match", search.value)}</p>
      )}
      {list.length > 0 && (
        <ul class="files">
          {list.slice(0, rowsShown).map((file) => (
            <Row key={file.name} file={file} />
          ))}
        </ul>
      )}
      {all && (list.length > rowsShown || all.size < (cluster.value?.files ?? 0)) && (
        <p class="muted">{t("more_files", Math.min(rowsShown, list.length))}</p>
      )}
    </section>
  );
}

function Row({file}: {file: StoredFile}) {
  const asking = useSignal(false);
  return (
    <li class="file" data-name={file.name} data-copies={file.copies} data-wanted={file.wanted}>
      <div class="file-name">
        <span class="name" title={file.name}>
          {file.name}
        </span>
        <span class="muted">
          {bytes(file.size)} · {moment(file.modified)}
        </span>
      </div>
      <Copies file={file} />
      <div class="actions">
        {asking.value ? (
          <Confirm file={file} done={() => (asking.value = false)} />
        ) : (
          <>
            {mediaType(file) && (
              <button class="play" onClick={() => (playing.value = file)}>
                <span aria-hidden="true">▶ </span>
                {t("play")}
                <span class="for-readers"> {file.name}</span>
              </button>
            )}
            <a class="button quiet" href={downloadUrl(file)} download={file.name.split("/").pop()}>
              {t("download")}
              <span class="for-readers"> {file.name}</span>
            </a>
            <button class="quiet delete" onClick={() => (asking.value = true)}>
              {t("delete")}
              <span class="for-readers"> {file.name}</span>
            </button>
          </>
        )}
      </div>
    </li>
  );
}

function Confirm({file, done}: {file: StoredFile; done(): void}) {
  return (
    <span role="group" aria-label={t("confirm_delete")}>
      <span class="muted">{t("confirm_delete")} </span>
      <button class="danger" onClick={() => (done(), void remove(file))}>
        {t("yes_delete")}
      </button>
      <button class="quiet" onClick={done} ref={(button) => button?.focus()}>
        {t("keep")}
      </button>
    </span>
  );
}

function Copies({file}: {file: StoredFile}) {
  const complete = file.copies >= file.wanted;
  const sentence = t(complete ? "copies_ok" : "copies_short", file.copies, file.wanted);
  return (
    <span class={complete ? "copies complete" : "copies short"} title={sentence}>
      <span aria-hidden="true">{complete ? "● " : "◐ "}</span>
      <span aria-hidden="true">{`${file.copies}/${file.wanted}`}</span>
      <span class="for-readers">{sentence}</span>
    </span>
  );
}
