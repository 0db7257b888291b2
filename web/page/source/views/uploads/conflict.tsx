import {useSignal} from "@preact/signals";
import type {Choice} from "../../conflicts";
import {t} from "../../text";
import type {asking} from "../../uploads";
import {Modal} from "../files/modal";

type Asked = NonNullable<typeof asking.value>;

// Asks what becomes of a file whose name is taken.
export function Conflict({asked}: {asked: Asked}) {
  const forAll = useSignal(false);
  const choose = (choice: Choice) => asked.answer({choice, forAll: forAll.value});
  return (
    <Modal
      name={t("conflict", asked.name)}
      kind="conflict-dialog"
      close={() => asked.answer({choice: "skip", forAll: true})}
    >
      <p>{t("conflict_what")}</p>
      {asked.left > 0 && (
        <label class="tick all">
          <input
            type="checkbox"
            onClick={(event) => (forAll.value = event.currentTarget.checked)}
          />
          <span>{t("conflict_all", asked.left)}</span>
        </label>
      )}
      <div class="actions">
        <button class="both" onClick={() => choose("both")}>
          {t("keep_both", asked.free.split("/").pop()!)}
        </button>
        <button class="quiet replace" onClick={() => choose("replace")}>
          {t("replace")}
        </button>
        <button class="quiet skip" onClick={() => choose("skip")}>
          {t("skip")}
        </button>
      </div>
    </Modal>
  );
}
