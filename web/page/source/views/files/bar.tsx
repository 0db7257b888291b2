import {useSignal} from "@preact/signals";
import {may} from "../../access/rights";
import {bytes} from "../../format";
import type {SortKey} from "../../listing";
import {filesOf, order, rows, search} from "../../library";
import {remove} from "../../removal";
import {clear, selected, ticked} from "../../selection";
import {say} from "../../state";
import {t, type TextKey} from "../../text";
import {Icon} from "./icons";
import {focusSearch} from "./keys";

const orders: [SortKey, boolean, TextKey][] = [
  ["modified", true, "sort_newest"],
  ["modified", false, "sort_oldest"],
  ["name", false, "sort_name"],
  ["name", true, "sort_name_back"],
  ["size", true, "sort_largest"],
  ["size", false, "sort_smallest"],
];

// Above the list: what is ticked and what to do with it, and the order.
export function Bar() {
  const ticks = selected.value;
  return (
    <div class="bar">
      <All />
      {ticks.size > 0 ? <Ticked /> : <Sort />}
    </div>
  );
}

function All() {
  const busy = useSignal(false);
  const total = rows.value?.length ?? 0;
  const ticks = selected.value.size;
  const all = total > 0 && ticks >= total;
  const change = async () => {
    if (all) return clear();
    busy.value = true;
    const found = await filesOf(0, total).catch((failure: Error) => say(failure.message, true));
    busy.value = false;
    if (found) selected.value = ticked(selected.value, found, true);
  };
  const label = search.value.trim() ? "select_matching" : "select_all";
  return (
    <label class="tick all">
      <input
        type="checkbox"
        checked={all}
        disabled={busy.value || total === 0}
        indeterminate={ticks > 0 && !all}
        onClick={() => void change()}
      />
      <span>{busy.value ? t("selecting") : ticks > 0 ? t("selected", ticks) : t(label)}</span>
    </label>
  );
}

function Ticked() {
  const ticks = selected.value;
  const size = [...ticks.values()].reduce((sum, file) => sum + file.size, 0);
  return (
    <div class="ticked">
      <span class="muted extra">{bytes(size)}</span>
      <button
        class="quiet clear"
        aria-label={t("select_none")}
        title={t("select_none")}
        onClick={() => (clear(), focusSearch())}
      >
        <Icon name="clear" />
      </button>
      {may("write") && (
        <button
          class="danger delete-selected"
          onClick={() => (remove(ticks.values()), focusSearch())}
        >
          {t("delete")}
        </button>
      )}
    </div>
  );
}

function Sort() {
  const {sort, descending} = order.value;
  return (
    <select
      aria-label={t("sort")}
      value={`${sort} ${descending}`}
      onChange={(event) => {
        const [key, backwards] = event.currentTarget.value.split(" ");
        order.value = {sort: key as SortKey, descending: backwards === "true"};
      }}
    >
      {orders.map(([key, backwards, text]) => (
        <option key={text} value={`${key} ${backwards}`}>
          {t(text)}
        </option>
      ))}
    </select>
  );
}
