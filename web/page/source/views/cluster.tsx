import type {ComponentType} from "preact";
import {signal} from "@preact/signals";
import {t} from "../text";

// The cluster's section is a part of its own, fetched when the page is idle: its node may be dead when it is wanted.

const panel = signal<ComponentType | undefined>(undefined);
const failed = signal(false);
let coming: Promise<void> | undefined;

function fetchPanel(): Promise<void> {
  coming ??= import("./cluster/panel").then(
    (part) => {
      panel.value = part.Panel;
      failed.value = false;
    },
    () => {
      coming = undefined;
      failed.value = true;
    },
  );
  return coming;
}

const idleAfter = 1500; // ms
setTimeout(() => void fetchPanel(), idleAfter);

export function ClusterView() {
  const Panel = panel.value;
  if (Panel) return <Panel />;
  void fetchPanel();
  return (
    <section class="card">
      <h2>{t("cluster")}</h2>
      <p class={failed.value ? "problem" : "muted"} role="status">
        {t(failed.value ? "view_failed" : "loading_view")}
      </p>
    </section>
  );
}
