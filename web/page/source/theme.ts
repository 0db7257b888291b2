import {effect, signal} from "@preact/signals";
import {recall, remember} from "./storage";

// Light, dark, or what the system says.

export const themes = ["auto", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const storageKey = "chisme.theme";

export const theme = signal(themes.find((each) => each === recall(storageKey)) ?? "auto");

export function showTheme(): void {
  effect(() => {
    const {dataset} = document.documentElement;
    if (theme.value === "auto") delete dataset.theme;
    else dataset.theme = theme.value;
    remember(storageKey, theme.value);
  });
}

// Called now and whenever the colours change.
export function onColours(call: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", call);
  const end = theme.subscribe(() => queueMicrotask(call));
  return () => {
    system.removeEventListener("change", call);
    end();
  };
}
