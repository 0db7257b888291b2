import {bytes, duration} from "../format";
import {t} from "../text";
import {asking, clearFinished, isRunning, overall, uploads, type Upload} from "../uploads";
import {useAbove} from "./files/dialogs";
import {Row} from "./uploads/row";

export {AddFiles} from "./uploads/add";

const rowsShown = 100;

export function Uploads() {
  const asked = asking.value;
  const above = useAbove(asked !== undefined, () =>
    asked?.answer({choice: "skip", forAll: true}),
  );
  return (
    <>
      {uploads.value.length > 0 && <Queue />}
      {asked && above && <above.Conflict key={asked.name} asked={asked} />}
    </>
  );
}

function Queue() {
  const all = uploads.value;
  const finished = all.some((each) => /done|cancelled|refused/.test(each.state.value));
  const shown = all.length > rowsShown ? foremost(all) : all;
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
      <Total />
      <ul class="uploads">
        {shown.map((upload) => (
          <Row key={upload.id} upload={upload} />
        ))}
      </ul>
      {shown.length < all.length && (
        <p class="muted">{t("more_uploads", all.length - shown.length)}</p>
      )}
    </section>
  );
}

// Of very many: what is being sent or needs a look, then what waits, then what is done.
function foremost(all: readonly Upload[]): Upload[] {
  const rank = ({state}: Upload) => {
    if (state.value === "waiting") return 1;
    return state.value === "done" || state.value === "cancelled" ? 2 : 0;
  };
  return [...all].sort((a, b) => rank(a) - rank(b)).slice(0, rowsShown);
}

// All together, when more than one file is on its way.
function Total() {
  const now = overall.value;
  const several = uploads.value.filter(isRunning).length > 1;
  if (!now || !several) return null;
  const sentence = t("total", bytes(now.sent), bytes(now.size), bytes(now.speed), duration(now.left));
  return (
    <div class="total">
      <progress value={now.sent} max={now.size || 1} aria-label={sentence} />
      <p class="muted">{sentence}</p>
    </div>
  );
}
