import {dialogOpen, refused, role} from "../access/rights";
import {t} from "../text";
import {useAbove} from "./files/dialogs";

// That the page may not even read, and what to do.
export function Locked() {
  if (role.value !== "none") return null;
  return (
    <section class="card outage" aria-labelledby="locked-title" data-problem="locked">
      <h2 id="locked-title">{t("locked")}</h2>
      <p role="alert">{t(refused.value ? "locked_refused" : "locked_what")}</p>
      <GiveToken />
    </section>
  );
}

export function GiveToken() {
  return (
    <button class="give-token" onClick={() => (dialogOpen.value = true)}>
      {t("give_token")}
    </button>
  );
}

export function AccessDialog() {
  const close = () => (dialogOpen.value = false);
  const above = useAbove(dialogOpen.value, close);
  return dialogOpen.value && above ? <above.Access close={close} /> : null;
}
