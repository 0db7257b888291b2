import {undo, undoable} from "../../removal";
import {t} from "../../text";
import {focusSearch} from "./keys";

// What was deleted a moment ago and may come back.
export function Undo() {
  return (
    <div class="undos" role="status">
      {undoable.value.slice(0, 3).map(({id, files}) => (
        <p class="undo" key={id}>
          <span>
            {files.size === 1 ? t("deleted", [...files.keys()][0]!) : t("deleted_many", files.size)}
          </span>
          <button onClick={() => (undo(id), focusSearch())}>{t("undo")}</button>
        </p>
      ))}
    </div>
  );
}
