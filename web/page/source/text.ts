// Every sentence of the page, in the languages it speaks: one file for each part of the page.

import {signal} from "@preact/signals";
import {recall, remember} from "./storage";
import {cluster, common, files, player, uploads} from "./text/parts";

const en = {
  ...common.en,
  ...uploads.en,
  ...files.en,
  ...player.en,
  ...cluster.en,
};

export type TextKey = keyof typeof en;

const es: Record<TextKey, string> = {
  ...common.es,
  ...uploads.es,
  ...files.es,
  ...player.es,
  ...cluster.es,
};

type Values = (string | number)[];
type Say<K extends string> = (key: K, ...values: Values) => string;

const languages = ["en", "es"] as const;
export type Language = (typeof languages)[number];

const storageKey = "chisme.language";

function firstLanguage(): Language {
  const wanted = recall(storageKey) ?? globalThis.navigator?.language ?? "en";
  return wanted.startsWith("es") ? "es" : "en";
}

const chosen = signal(firstLanguage());
export let language: Language = chosen.value;

// The views that told something are told again in the other language.
export function speak(wanted: Language): void {
  language = wanted;
  chosen.value = wanted;
  remember(storageKey, wanted);
}

const numberAndUnit = /(\{\d\}) (?=(?:s|ms|min|h|%)(?!\p{L}))/gu; // no line ends between them

export function sentences<K extends string>(tables: Record<Language, Record<K, string>>): Say<K> {
  return (key, ...values) =>
    tables[chosen.value][key]
      .replace(numberAndUnit, "$1\u00a0")
      .replace(/\{(\d)\}/g, (_, at) => String(values[Number(at)] ?? ""));
}

export const t = sentences<TextKey>({en, es});

// A number of things: the key for one, and with "_n" the key for all other counts ({0}).
export function counting<K extends string>(say: Say<K>) {
  return (key: Counted<K>, count: number, ...values: Values) =>
    say((count === 1 ? key : `${key}_n`) as K, count, ...values);
}

type Counted<K extends string> = {[One in K]: `${One}_n` extends K ? One : never}[K];
