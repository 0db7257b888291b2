import {computed, signal, useSignal} from "@preact/signals";
import {happenings} from "../../cluster/live";
import {asText, clockTime, kinds, sentence, type Kind} from "../../cluster/journal";
import {t, type Word} from "./words";
import {copyText} from "./copy_text";

const filter = signal<Kind | "all">("all");
const shown = computed(() =>
  happenings.value.filter((each) => filter.value === "all" || each.kind === filter.value),
);

export function Log() {
  return (
    <section class="card log" aria-labelledby="log-title">
      <div class="card-head">
        <h2 id="log-title">{t("events")}</h2>
        <div class="actions">
          <label class="muted">
            {t("events_show")}{" "}
            <select
              value={filter.value}
              onChange={(event) => (filter.value = event.currentTarget.value as Kind | "all")}
            >
              {(["all", ...kinds] as const).map((kind) => (
                <option key={kind} value={kind}>
                  {t(`kind_${kind}`)}
                </option>
              ))}
            </select>
          </label>
          <CopyButton />
        </div>
      </div>
      {shown.value.length === 0 && <p class="empty">{t("events_none")}</p>}
      <div class="scroll events" role="group" aria-labelledby="log-title" tabIndex={0}>
        <ol>
          {shown.value.map((each) => (
            <li key={each.id} class={`of-${each.kind}`}>
              <time>{clockTime(each.at)}</time> <span>{sentence(each)}</span>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}

function CopyButton() {
  const said = useSignal<Word | undefined>(undefined);
  const copy = async () => {
    said.value = (await copyText(asText(shown.value))) ? "copied" : "copy_failed";
    setTimeout(() => (said.value = undefined), 4000);
  };
  return (
    <>
      <button class="quiet copy" disabled={shown.value.length === 0} onClick={() => void copy()}>
        {t("copy_events")}
      </button>
      <span class="muted" role="status">
        {said.value && t(said.value)}
      </span>
    </>
  );
}
