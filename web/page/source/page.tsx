import {render} from "preact";
import {host} from "./format";
import {connection, notice, start} from "./state";
import {language, t} from "./text";
import {ClusterPanel} from "./views/cluster";
import {Files} from "./views/files";
import {Player} from "./views/player";
import {AddFiles, Uploads} from "./views/uploads";

const noticeShown = 6000;

function Page() {
  return (
    <>
      <header>
        <h1>{t("title")}</h1>
        <Connection />
      </header>
      <main>
        <Player />
        <AddFiles />
        <Uploads />
        <Files />
        <ClusterPanel />
      </main>
      <Notice />
    </>
  );
}

function Connection() {
  const {origin, alive} = connection.value;
  return (
    <p class={alive ? "pill" : "pill waiting"} role="status" data-connected={alive ? origin : ""}>
      <span aria-hidden="true">{alive ? "● " : "◌ "}</span>
      {alive ? t("connected", host(origin)) : t("connecting")}
    </p>
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

document.documentElement.lang = language;
navigator.serviceWorker?.register("/worker.js").catch(() => undefined); // MediaSource plays without
start();
render(<Page />, document.getElementById("page")!);
