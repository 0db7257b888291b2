// Every sentence of the page, in the languages it speaks: one file for each part of the page.

import * as common from "./text/common";
import * as uploads from "./text/uploads";
import * as files from "./text/files";
import * as player from "./text/player";
import * as cluster from "./text/cluster";

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

export const language = (globalThis.navigator?.language ?? "en").startsWith("es") ? "es" : "en";
const table = language === "es" ? es : en;

export function t(key: TextKey, ...values: (string | number)[]): string {
  return table[key].replace(/\{(\d)\}/g, (_, at: string) => String(values[Number(at)] ?? ""));
}
