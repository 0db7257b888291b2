import {useSignal} from "@preact/signals";
import {useRef} from "preact/hooks";
import {tokens} from "../../access/ask";
import {access, forget, give, held, refused, role} from "../../access/rights";
import {tokenIn} from "../../access/token";
import {dayAndTime} from "../../format";
import {nodes, say} from "../../state";
import {Modal} from "../files/modal";
import {t} from "./words";

// What this page may do, and the token that it is given for more.
export function Access({close}: {close(): void}) {
  return (
    <Modal name={t("access_title")} kind="access-dialog" close={close}>
      <Standing />
      <Give close={close} />
      {held.value && <Forget />}
    </Modal>
  );
}

function Standing() {
  const now = access.value;
  if (refused.value) return <p class="problem">{t("access_refused")}</p>;
  if (!held.value) return <p>{t(role.value === "none" ? "access_none" : "access_free")}</p>;
  const expires = now?.expires;
  return (
    <p>
      {t("access_held", t(`role_${role.value}`))}{" "}
      {expires ? t("access_until", dayAndTime(expires)) : t("access_forever")}
    </p>
  );
}

// The fields have no names: nothing of them can get into an address.
function Give({close}: {close(): void}) {
  const field = useRef<HTMLInputElement>(null);
  const shown = useSignal(false);
  const kept = useSignal(tokens.onMachine);
  const busy = useSignal(false);
  const problem = useSignal("");
  const submit = async () => {
    problem.value = "";
    busy.value = true;
    problem.value = await taken(field.current!.value, kept.value);
    busy.value = false;
    if (problem.value) return field.current?.focus();
    close();
    requestAnimationFrame(focusPage);
  };
  return (
    <form
      class="fields"
      onSubmit={(event) => (event.preventDefault(), busy.value || void submit())}
    >
      <label class="field">
        <span>{t("token")}</span>
        <input
          class="address token"
          ref={field}
          type={(shown.value ? "text" : "password") as "password"}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          maxLength={4096}
          required
          autofocus
          aria-describedby="token-where token-problem"
          aria-invalid={problem.value !== ""}
        />
      </label>
      <p class="muted" id="token-where">
        {t("token_where")}
      </p>
      <label class="tick all">
        <input type="checkbox" class="show" onClick={() => (shown.value = !shown.value)} />
        <span>{t("token_show")}</span>
      </label>
      <label class="tick all">
        <input
          type="checkbox"
          class="keep"
          checked={kept.value}
          onClick={() => (kept.value = !kept.value)}
        />
        <span>
          {t("token_keep")} <span class="muted">{t("token_keep_what")}</span>
        </span>
      </label>
      <p class="problem" role="alert" id="token-problem">
        {problem.value}
      </p>
      <div class="actions">
        <button class="use" aria-disabled={busy.value}>
          {t("token_use")}
        </button>
      </div>
    </form>
  );
}

// What opened the dialog may have gone with the lack of a token.
function focusPage(): void {
  if (document.activeElement === document.body) document.getElementById("main")?.focus();
}

// What is wrong with it, as a sentence; "" when it is used from now on.
async function taken(text: string, onMachine: boolean): Promise<string> {
  const token = tokenIn(text);
  if (!token) return t("token_wrong");
  const outcome = await give(token, onMachine, nodes);
  return outcome === "taken" ? "" : t(`token_${outcome}`);
}

function Forget() {
  const run = async () => {
    await forget(nodes).catch(() => undefined);
    say(t("token_forgotten"));
    document.querySelector<HTMLElement>(".access-dialog .token")?.focus();
  };
  return (
    <div class="actions">
      <button class="quiet forget" onClick={() => void run()}>
        {t("token_forget")}
      </button>
    </div>
  );
}
