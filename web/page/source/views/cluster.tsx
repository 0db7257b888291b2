import type {ComponentType} from "preact";
import {signal} from "@preact/signals";
import {t} from "../text";

// The cluster's section is a part of its own, fetched before it is wanted: its node may be dead then.

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

// Not before the page shows its files.
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
