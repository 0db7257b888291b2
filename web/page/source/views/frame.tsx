import {useEffect} from "preact/hooks";
import {useSignal} from "@preact/signals";
import {access, dialogOpen, held, role} from "../access/rights";
import {stories} from "../cluster/live";
import {host} from "../format";
import {section, type Section} from "../route";
import {cluster, connection, keepsTrash, nodeName, outage, tryNow} from "../state";
import {counting, language, speak, t} from "../text";
import {theme, themes, type Theme} from "../theme";

const counted = counting(t);

// What stands around every section.

export function SkipLink() {
  const skip = (event: Event) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return (
    <a class="skip-link" href="#main" onClick={skip}>
      {t("skip_link")}
    </a>
  );
}

export function Navigation() {
  const link = (name: Section) => (
    <a href={`#${name}`} aria-current={section.value === name ? "page" : undefined}>
      {t(name)}
    </a>
  );
  return (
    <nav aria-label={t("sections")}>
      {link("files")}
      {(keepsTrash.value || section.value === "trash") && link("trash")}
      {link("cluster")}
    </nav>
  );
}

export function Connection() {
  const {origin, alive} = connection.value;
  const locked = role.value === "none";
  return (
    <p class={alive ? "pill" : "pill waiting"} role="status" data-connected={alive ? origin : ""}>
      <span aria-hidden="true">{alive ? "● " : "◌ "}</span>
      {alive ? t("connected", host(origin)) : t(locked ? "locked_short" : "connecting")}
    </p>
  );
}

export function Settings() {
  const other = language === "es" ? "en" : "es";
  return (
    <div class="settings">
      {(held.value || (access.value && access.value.access !== "open")) && (
        <button class="quiet access" onClick={() => (dialogOpen.value = true)}>
          {t("access_button", t(`role_${role.value}`))}
        </button>
      )}
      <select
        aria-label={t("theme")}
        value={theme.value}
        onChange={(event) => (theme.value = event.currentTarget.value as Theme)}
      >
        {themes.map((each) => (
          <option key={each} value={each}>
            {t(`theme_${each}`)}
          </option>
        ))}
      </select>
      <button class="quiet language" lang={other} onClick={() => speak(other)}>
        {other === "es" ? "Español" : "English"}
      </button>
    </div>
  );
}

// No node answers.
export function Outage() {
  const now = outage.value;
  if (!now) return null;
  return (
    <section class="card outage" aria-label={t("connecting")} data-problem="outage">
      <p class="problem" role="alert">
        <strong>{t("nobody", now.tried.map(host).join(", "))}</strong> {t("nobody_what")}
      </p>
      <p>
        <NextTry at={now.next} />
      </p>
      <button onClick={tryNow}>{t("try_now")}</button>
    </section>
  );
}

function NextTry({at}: {at: number}) {
  const clock = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (clock.value = Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const left = Math.ceil((at - clock.value) / 1000);
  return <span class="muted">{left > 0 ? t("next_try", left) : t("trying")}</span>;
}

// Whether all is well, in every section; the story of what is going on is in the cluster's.
export function Health() {
  const now = cluster.value;
  if (!now) return null;
  const running = stories.value.find((story) => story.over === undefined);
  return (
    <div class="health-of-all">
      <p class={now.under_replicated > 0 ? "health short" : "health muted"}>
        <span>
          <span aria-hidden="true">{now.under_replicated > 0 ? "◐ " : "● "}</span>
          {now.under_replicated > 0
            ? counted("under_replicated", now.under_replicated)
            : t("all_replicated")}
        </span>
        {now.repairs_pending > 0 && <span>{counted("repairs", now.repairs_pending)}</span>}
        {running && (
          <a href="#cluster">
            {t(running.kind === "death" ? "story_death" : "story_return", nodeName(running.node))}
          </a>
        )}
      </p>
      {!now.in_touch && <Problem kind="touch" sentence={t("out_of_touch")} />}
      {now.lost > 0 && <Problem kind="lost" sentence={t("lost_files", now.lost)} />}
      {now.fenced && <Problem kind="fenced" sentence={t("fenced", now.fenced)} />}
    </div>
  );
}

function Problem({kind, sentence}: {kind: string; sentence: string}) {
  return (
    <p class="problem" role="alert" data-problem={kind}>
      {sentence}
    </p>
  );
}
