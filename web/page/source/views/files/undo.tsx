import {undo, undoable, whatBecame} from "../../removal";
import {t} from "../../text";
import {focusSearch} from "./keys";

// What was deleted a moment ago and may come back.
export function Undo() {
  return (
    <div class="undos" role="status">
      {undoable.value.slice(0, 3).map(({id, files}) => (
        <p class="undo" key={id}>
          <span>{whatBecame([...files.keys()])}</span>
          <button onClick={() => (undo(id), focusSearch())}>{t("undo")}</button>
        </p>
      ))}
    </div>
  );
}
