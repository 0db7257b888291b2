import {useEffect} from "preact/hooks";
import {count, leftOut, rows, search} from "../library";
import {watchLeaving} from "../removal";
import {language, t} from "../text";
import {Bar} from "./files/bar";
import {Dialogs} from "./files/dialogs";
import {FileList} from "./files/list";
import {Undo} from "./files/undo";
import {rowsMost} from "./files/window";

export function Files() {
  useEffect(watchLeaving, []);
  const list = rows.value;
  const all = count.value;
  return (
    <section class="card library" aria-label={t("files")} data-total={list?.length}>
      <div class="card-head">
        <h2>
          {t("files")} {all !== undefined && <span class="muted">{all.toLocaleString(language)}</span>}
        </h2>
        <input
          type="search"
          placeholder={t("search")}
          aria-label={t("search")}
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
        />
      </div>
      <Told />
      {list && list.length > 0 && (
        <>
          <Bar />
          <FileList />
        </>
      )}
      <Rest total={list?.length ?? 0} />
      <Undo />
      <Dialogs />
    </section>
  );
}

// That there are more files than the list has, or shows.
function Rest({total}: {total: number}) {
  if (!leftOut.value && total <= rowsMost) return null;
  const shown = Math.min(total, rowsMost).toLocaleString(language);
  return <p class="muted rest">{t("more_files", shown)}</p>;
}

// In place of a list: that it is on its way, that there is nothing, or nothing that matches.
function Told() {
  const list = rows.value;
  const words = search.value.trim();
  const sentence = !list
    ? t("loading")
    : list.length > 0
      ? words && t(list.length === 1 ? "found_one" : "found", list.length)
      : words
        ? t("no_match", words)
        : t("empty");
  const look = list && list.length > 0 ? "muted found" : list ? "empty" : "muted";
  return (
    <p class={look} role="status">
      {sentence}
    </p>
  );
}
