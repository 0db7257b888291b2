import {undo, undoable} from "../../removal";
import {t} from "../../text";

// What was deleted a moment ago and may come back.
export function Undo() {
  return (
    <div class="undos" role="status">
      {undoable.value.slice(0, 3).map(({id, names}) => (
        <p class="undo" key={id}>
          <span>
            {names.size === 1 ? t("deleted", [...names][0]!) : t("deleted_many", names.size)}
          </span>
          <button onClick={() => undo(id)}>{t("undo")}</button>
        </p>
      ))}
    </div>
  );
}
