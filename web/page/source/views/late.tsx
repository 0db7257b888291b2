import type {ComponentType} from "preact";
import {signal} from "@preact/signals";
import {t, type TextKey} from "../text";

// A section that is a part of its own, fetched before it is wanted: its node may be dead then.

// Not before the page shows its files.
const idleAfter = 1500; // ms

export function late(name: TextKey, fetchPart: () => Promise<{Panel: ComponentType}>) {
  const panel = signal<ComponentType | undefined>(undefined);
  const failed = signal(false);
  let coming: Promise<void> | undefined;
  const fetchPanel = () => {
    coming ??= fetchPart().then(
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
  };
  setTimeout(() => void fetchPanel(), idleAfter);
  return function Late() {
    const Panel = panel.value;
    if (Panel) return <Panel />;
    void fetchPanel();
    return (
      <section class="card">
        <h2>{t(name)}</h2>
        <p class={failed.value ? "problem" : "muted"} role="status">
          {t(failed.value ? "view_failed" : "loading_view")}
        </p>
      </section>
    );
  };
}
