import {useSignal} from "@preact/signals";
import {useId} from "preact/hooks";
import {expiryOf, spans, type Span} from "../../access/expiry";
import {Shares} from "../../access/shares";
import {dayAndTime} from "../../format";
import {makeShare, revokeShare, type ShareMade} from "../../link";
import {safeStorage} from "../../state";
import {t} from "../access/words";

const shares = new Shares(safeStorage());

// Makes a link that opens one file without a token.
export function MakeShare({name, made}: {name: string; made(now: ShareMade): void}) {
  const span = useSignal<Span>("day");
  const until = useSignal("");
  const count = useSignal("");
  const problem = useSignal("");
  const busy = useSignal(false);
  const told = useId();
  const make = async () => {
    const seconds = expiryOf(span.value, until.value, Date.now());
    if (seconds === undefined) return (problem.value = t("share_wrong_until"));
    if (!/^\d*$/.test(count.value) || Number(count.value || 1) < 1)
      return (problem.value = t("share_wrong_count"));
    busy.value = true;
    const downloads = count.value ? {downloads: Number(count.value)} : {};
    try {
      const now = await makeShare({name, seconds, ...downloads});
      shares.add({id: now.id, name, expires: now.expires});
      problem.value = "";
      made(now);
    } catch (failure) {
      problem.value = (failure as Error).message;
    } finally {
      busy.value = false;
    }
  };
  return (
    <form
      class="fields make-share"
      noValidate
      onSubmit={(event) => (event.preventDefault(), busy.value || void make())}
    >
      <div class="pair">
        <label class="field">
          <span>{t("share_expiry")}</span>
          <select value={span.value} onChange={(event) => (span.value = event.currentTarget.value as Span)}>
            {spans.map((each) => (
              <option key={each} value={each}>
                {t(`share_${each}`)}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>{t("share_count")}</span>
          <input
            class="address count"
            inputMode="numeric"
            maxLength={9}
            value={count.value}
            placeholder="∞"
            title={t("share_count_what")}
            aria-describedby={told}
            onInput={(event) => (count.value = event.currentTarget.value.trim())}
          />
        </label>
      </div>
      {span.value === "custom" && (
        <label class="field">
          <span>{t("share_until")}</span>
          <input
            class="address until"
            type="datetime-local"
            value={until.value}
            aria-describedby={told}
            onInput={(event) => (until.value = event.currentTarget.value)}
          />
        </label>
      )}
      <p class="problem" role="alert" id={told}>
        {problem.value}
      </p>
      <div class="actions">
        <button class="quiet make" aria-disabled={busy.value}>
          {t("share_make")}
        </button>
      </div>
    </form>
  );
}

// Those that this browser made and that still open.
export function Made({name, revoked}: {name: string; revoked(id: string): void}) {
  const list = useSignal(shares.of(name));
  const problem = useSignal("");
  const revoke = async (id: string) => {
    try {
      await revokeShare(id);
      shares.remove(id);
      list.value = shares.of(name);
      revoked(id);
    } catch (failure) {
      problem.value = (failure as Error).message;
    }
  };
  if (list.value.length === 0) return null;
  return (
    <section class="made" aria-label={t("share_mine")}>
      <h3>{t("share_mine")}</h3>
      <ul>
        {list.value.map(({id, expires}) => (
          <li key={id} data-share={id}>
            <span>{t("share_ends", dayAndTime(expires))}</span>
            <button
              class="quiet revoke"
              aria-label={t("share_revoke_one", dayAndTime(expires))}
              onClick={() => void revoke(id)}
            >
              {t("share_revoke")}
            </button>
          </li>
        ))}
      </ul>
      <p class="problem" role="alert">
        {problem.value}
      </p>
    </section>
  );
}
