import {useSignal, type Signal} from "@preact/signals";
import {useEffect, useRef} from "preact/hooks";
import {may} from "../../access/rights";
import {minute} from "../../clock";
import {bytes, dayAndTime, moment, span} from "../../format";
import {cluster, say} from "../../state";
import {next, place, problem, removed, removeForGood, restore, turnTo, watchTrash, type Removed} from "../../trash";
import {Icon} from "../files/icons";
import {t} from "./words";

// What was deleted: each file can come back, or go for good.

export function Panel() {
  useEffect(watchTrash, []);
  const list = removed.value;
  const kept = cluster.value?.trash_seconds ?? 0;
  return (
    <section class="card trash" aria-label={t("trash")} data-total={list?.length}>
      <div class="card-head">
        <h2 tabIndex={-1}>{t("trash")}</h2>
      </div>
      <p class="muted">{kept > 0 ? t("trash_what", span(kept)) : t("trash_none_kept")}</p>
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {!(list && list.length > 0) && (kept > 0 || !list) && !problem.value && (
        <p class="empty" role="status">
          {t(list ? "trash_empty" : "trash_loading")}
        </p>
      )}
      {list && list.length > 0 && (
        <ul class="removed" aria-label={t("trash")}>
          {list.map((file) => (
            <Row key={file.id} file={file} />
          ))}
        </ul>
      )}
      <Turning />
    </section>
  );
}

function Turning() {
  if (!place.value && next.value === undefined) return null;
  return (
    <nav class="actions" aria-label={t("trash_pages")}>
      {place.value && (
        <button class="quiet" onClick={() => turnTo("")}>
          {t("trash_first")}
        </button>
      )}
      {next.value !== undefined && (
        <button class="quiet" onClick={() => turnTo(next.value!)}>
          {t("trash_next")}
        </button>
      )}
    </nav>
  );
}

function Row({file}: {file: Removed}) {
  const row = useRef<HTMLLIElement>(null);
  const asking = useSignal(false);
  const busy = useSignal(false);
  const trouble = useSignal("");
  const act = async (work: () => Promise<string>) => {
    if (busy.value) return;
    busy.value = true;
    trouble.value = "";
    const goOn = focusAfter(row.current!);
    try {
      trouble.value = await work();
      if (!trouble.value) goOn();
    } catch (failure) {
      trouble.value = (failure as Error).message;
    }
    busy.value = false;
  };
  const bringBack = async () => {
    if ((await restore(file)) === "taken") return t("restore_taken", file.name);
    say(t("restored", file.name));
    return "";
  };
  const destroy = async () => {
    await removeForGood(file);
    say(t("for_good_done", file.name));
    return "";
  };
  return (
    <li ref={row} class="file" data-removed={file.name}>
      <div class="file-name">
        <span class="name" title={file.name}>
          {file.name}
        </span>
        <When file={file} />
      </div>
      {may("write") && !asking.value && (
        <div class="actions">
          <Act kind="quiet restore" text="restore" file={file} busy={busy} run={() => void act(bringBack)} />
          <button
            class="quiet for-good"
            title={t("for_good")}
            aria-label={`${t("for_good")}: ${file.name}`}
            aria-disabled={busy.value}
            onClick={() => busy.value || (asking.value = true)}
          >
            <Icon name="delete" />
          </button>
        </div>
      )}
      {asking.value && (
        <Confirm
          file={file}
          yes={() => ((asking.value = false), void act(destroy))}
          no={() => {
            asking.value = false;
            requestAnimationFrame(() => row.current?.querySelector<HTMLElement>(".for-good")?.focus());
          }}
        />
      )}
      {trouble.value && (
        <p class="problem" role="alert">
          {trouble.value}
        </p>
      )}
    </li>
  );
}

function When({file}: {file: Removed}) {
  const left = (Date.parse(file.expires) - minute.value) / 1000;
  return (
    <span class="muted about">
      {bytes(file.size)} · <time dateTime={file.removed} title={dayAndTime(file.removed)}>
        {t("trash_removed", moment(file.removed))}
      </time>
      {" · "}
      <time dateTime={file.expires} title={t("trash_gone_at", dayAndTime(file.expires))}>
        {t("trash_gone", span(left))}
      </time>
    </span>
  );
}

interface ActProps {
  kind: string;
  text: "restore";
  file: Removed;
  busy: Signal<boolean>;
  run(): void;
}

function Act({kind, text, file, busy, run}: ActProps) {
  return (
    <button
      class={kind}
      aria-label={`${t(text)}: ${file.name}`}
      aria-disabled={busy.value}
      onClick={run}
    >
      {t(text)}
    </button>
  );
}

function Confirm({file, yes, no}: {file: Removed; yes(): void; no(): void}) {
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  return (
    <div class="confirm" role="group" aria-label={t("for_good")}>
      <p>{t("for_good_ask", file.name)}</p>
      <div class="actions">
        <button class="danger yes" onClick={yes}>
          {t("for_good")}
        </button>
        <button class="quiet" onClick={no} ref={keep}>
          {t("for_good_no")}
        </button>
      </div>
    </div>
  );
}

// When this row has gone: to the one that takes its place, else to the one before, else to the top.
function focusAfter(row: HTMLElement): () => void {
  const section = row.closest<HTMLElement>(".trash")!;
  const other = row.nextElementSibling ?? row.previousElementSibling;
  return () =>
    requestAnimationFrame(() => {
      const elsewhere = document.activeElement && document.activeElement !== document.body;
      if (elsewhere && !row.contains(document.activeElement)) return;
      const control = other?.querySelector<HTMLElement>(".restore") ?? section.querySelector("h2");
      control?.focus();
    });
}
