import {useSignal} from "@preact/signals";
import {useEffect} from "preact/hooks";
import {may} from "../../access/rights";
import {dropped, picked} from "../../drop";
import {bytes} from "../../format";
import {shortQuotas} from "../../quotas";
import {cluster} from "../../state";
import {t} from "../../text";
import {GiveToken} from "../access";
import {add, isRunning, keptFor, overall, times, unfinished, uploads, type KeptFor} from "../../uploads";

export function AddFiles() {
  const hovering = useSignal(false);
  useEffect(() => acceptDrops((over) => (hovering.value = over)), []);
  const left = unfinished.value;
  if (!may("write")) return <NotAllowed />;
  return (
    <section class={hovering.value ? "add over" : "add"} aria-label={t("add_files")}>
      <div class="choices">
        <Choose />
        <Choose folder />
      </div>
      <p>{hovering.value ? t("drop_now") : t("drop_hint")}</p>
      <KeepFor />
      {left.length > 0 && <p class="unfinished">{t("unfinished", left.join(", "))}</p>}
      <Limits />
    </section>
  );
}

function NotAllowed() {
  return (
    <section class="add" aria-label={t("add_files")}>
      <p>{t("needs_write")}</p>
      <GiveToken />
    </section>
  );
}

function Choose({folder = false}: {folder?: boolean}) {
  return (
    <label class={folder ? "button quiet" : "button"}>
      {t(folder ? "choose_folder" : "choose")}
      <input
        class="for-readers"
        type="file"
        multiple
        {...(folder && {webkitdirectory: true})}
        onChange={(event) => {
          add(picked(event.currentTarget.files!));
          event.currentTarget.value = "";
        }}
      />
    </label>
  );
}

// How long what is chosen from now on stays.
function KeepFor() {
  return (
    <label class="keep-for muted">
      {t("keep_for")}
      <select
        value={keptFor.value}
        onChange={(event) => (keptFor.value = event.currentTarget.value as KeptFor)}
      >
        {times.map((each) => (
          <option key={each} value={each}>
            {t(`keep_${each}`)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Limits() {
  const now = cluster.value;
  if (!now) return null;
  const {max_file_size: most, room} = now;
  const all = overall.value;
  const toSend = all ? all.size - all.sent : 0;
  return (
    <>
      <p class="muted limits">
        {t("stored_in", now.copies_wanted, now.copies_durable)}
        {most != null && ` ${t("limit", bytes(most))}`}
        {room !== undefined && ` ${t("room", bytes(room))}`}
      </p>
      {room !== undefined && toSend > room && (
        <p class="short" role="status">
          {t("room_short", bytes(toSend), bytes(room))}
        </p>
      )}
      {shortQuotas(now.prefix_quotas ?? [], stillToSend()).map((short) => (
        <p class="short" role="status" key={short.prefix}>
          {t("quota_short", bytes(short.toSend), short.prefix, bytes(short.left))}
        </p>
      ))}
    </>
  );
}

function stillToSend() {
  return uploads.value.filter(isRunning).map(({name, file, sent}) => ({name, bytes: file.size - sent.value}));
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
