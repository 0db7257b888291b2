import {useSignal} from "@preact/signals";
import {useEffect} from "preact/hooks";
import {dropped, picked} from "../drop";
import {bytes, duration} from "../format";
import {cluster} from "../state";
import {t} from "../text";
import {
  add,
  cancel,
  clearFinished,
  isRunning,
  pause,
  resume,
  unfinished,
  uploads,
  type Upload,
} from "../uploads";

export function AddFiles() {
  const hovering = useSignal(false);
  useEffect(() => acceptDrops((over) => (hovering.value = over)), []);
  const now = cluster.value;
  const left = unfinished.value;
  return (
    <section class={hovering.value ? "add over" : "add"} aria-label={t("add_files")}>
      <label class="button">
        {t("choose")}
        <input
          class="for-readers"
          type="file"
          multiple
          onChange={(event) => {
            add(picked(event.currentTarget.files!));
            event.currentTarget.value = "";
          }}
        />
      </label>
      <p>{hovering.value ? t("drop_now") : t("drop_hint")}</p>
      {left.length > 0 && <p class="unfinished">{t("unfinished", left.join(", "))}</p>}
      {now && <p class="muted">{t("stored_in", now.copies_wanted, now.copies_durable)}</p>}
    </section>
  );
}

// The whole page takes drops and pasted files.
function acceptDrops(hover: (over: boolean) => void): () => void {
  const end = new AbortController();
  const {signal} = end;
  let leaving: ReturnType<typeof setTimeout>;
  const over = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    hover(true);
    clearTimeout(leaving);
    leaving = setTimeout(() => hover(false), 300); // dragover comes again and again
  };
  const drop = (event: DragEvent) => {
    if (!event.dataTransfer) return;
    event.preventDefault();
    hover(false);
    void dropped(event.dataTransfer).then(add);
  };
  const paste = (event: ClipboardEvent) => {
    if (event.clipboardData?.files.length) add(picked(event.clipboardData.files));
  };
  addEventListener("dragover", over, {signal});
  addEventListener("drop", drop, {signal});
  addEventListener("paste", paste, {signal});
  const leave = (event: Event) => {
    if (uploads.value.some(isRunning)) event.preventDefault();
  };
  addEventListener("beforeunload", leave, {signal});
  return () => end.abort();
}

export function Uploads() {
  if (uploads.value.length === 0) return null;
  const finished = uploads.value.some((each) => /done|cancelled/.test(each.state.value));
  return (
    <section class="card" aria-label={t("uploads")}>
      <div class="card-head">
        <h2>{t("uploads")}</h2>
        {finished && (
          <button class="quiet" onClick={clearFinished}>
            {t("clear_done")}
          </button>
        )}
      </div>
      <ul class="uploads">
        {uploads.value.map((upload) => (
          <Row key={upload.id} upload={upload} />
        ))}
      </ul>
    </section>
  );
}

function Row({upload}: {upload: Upload}) {
  const state = upload.state.value;
  return (
    <li class={`upload ${state}`} data-upload={upload.name} data-state={state}>
      <div class="file-name">
        <span class="name">{upload.name}</span>
        <span class="muted" role="status">
          {sentence(upload)}
        </span>
        {upload.note.value && (
          <span
            class={state === "failed" ? "problem" : "muted"}
            role={state === "failed" ? "alert" : "status"}
          >
            {upload.note.value}
          </span>
        )}
      </div>
      {(isRunning(upload) || state === "paused") && (
        <progress value={upload.sent.value} max={upload.file.size || 1} aria-label={upload.name} />
      )}
      <div class="actions">
        {isRunning(upload) && (
          <button class="quiet pause" onClick={() => pause(upload)}>
            {t("pause")}
          </button>
        )}
        {state === "paused" && (
          <button class="resume" onClick={() => resume(upload)}>
            {t("resume")}
          </button>
        )}
        {(state === "failed" || state === "cancelled") && (
          <button class="retry" onClick={() => resume(upload)}>
            {t("retry")}
          </button>
        )}
        {state !== "done" && state !== "cancelled" && (
          <button class="quiet cancel" onClick={() => cancel(upload)}>
            {t("cancel")}
          </button>
        )}
      </div>
    </li>
  );
}

function sentence(upload: Upload): string {
  const {file, sent, speed, state} = upload;
  switch (state.value) {
    case "sending": {
      const left = speed.value > 0 ? (file.size - sent.value) / speed.value : Infinity;
      return t("sending", bytes(sent.value), bytes(file.size), bytes(speed.value), duration(left));
    }
    case "securing":
      return t("securing");
    case "waiting":
      return t("waiting");
    case "done":
      return `✓ ${t("done")}, ${bytes(file.size)}`;
    case "paused":
      return t("paused", bytes(sent.value), bytes(file.size));
    case "cancelled":
      return t("cancelled");
    case "failed":
      return "";
  }
}
