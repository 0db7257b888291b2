import {render} from "preact";
import {effect} from "@preact/signals";
import {role, takeFromAddress} from "./access/rights";
import {announcement} from "./cluster/live";
import {followAddress, section} from "./route";
import {cluster, notice, start} from "./state";
import {language, t} from "./text";
import {showTheme} from "./theme";
import {AccessDialog, Locked} from "./views/access";
import {ClusterView} from "./views/cluster";
import {Files} from "./views/files";
import {Connection, Health, Navigation, Outage, Settings, SkipLink} from "./views/frame";
import {Player} from "./views/player";
import {TrashView} from "./views/trash";
import {AddFiles, Uploads} from "./views/uploads";

const noticeShown = 6000;

function Page() {
  const at = section.value;
  const closed = role.value === "none" && !cluster.value; // there is nothing to show
  return (
    <>
      <SkipLink />
      <header>
        <h1>{t("title")}</h1>
        <Navigation />
        <Connection />
        <Settings />
      </header>
      <main id="main" tabIndex={-1}>
        <Locked />
        <Outage />
        <Health />
        <Player />
        <div class="view" hidden={at !== "files" || closed}>
          <AddFiles />
          <Uploads />
          <Files />
        </div>
        <div class="view" hidden={at !== "trash" || closed}>
          {at === "trash" && <TrashView />}
        </div>
        <div class="view" hidden={at !== "cluster" || closed}>
          {at === "cluster" && <ClusterView />}
        </div>
      </main>
      <p class="for-readers" aria-live="polite">
        {announcement.value}
      </p>
      <AccessDialog />
      <Notice />
    </>
  );
}

function Notice() {
  const now = notice.value;
  return (
    <div class="notices" role={now?.bad ? "alert" : "status"}>
      {now && <p class={now.bad ? "notice bad" : "notice"}>{now.sentence}</p>}
    </div>
  );
}

let hiding: ReturnType<typeof setTimeout>;
notice.subscribe((now) => {
  clearTimeout(hiding);
  if (now && !now.bad) hiding = setTimeout(() => (notice.value = undefined), noticeShown);
});

function nameTheDocument(): void {
  const title = `${t(section.value)} · ${t("title")}`;
  document.title = title;
  document.documentElement.lang = language;
}

takeFromAddress();
navigator.serviceWorker?.register("/worker.js").catch(() => undefined); // MediaSource plays without
followAddress();
showTheme();
effect(nameTheDocument);
start();
render(<Page />, document.getElementById("page")!);
