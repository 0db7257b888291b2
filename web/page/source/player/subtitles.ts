import {filePath} from "../format";
import type {Nodes} from "../nodes";
import {language} from "../text";
import type {StoredFile} from "../types";

// Subtitles lie beside their film: film.vtt and film.es.vtt belong to film.mp4.

export interface Subtitle {
  name: string;
  tag: string; // the part between, such as "es"; often none
}

export interface Track extends Subtitle {
  url: string;
  label: string;
  lang: string;
  shown: boolean;
}

const largest = 4_000_000; // bytes

export function stem(film: string): string {
  return film.replace(/\.[^./]+$/, "");
}

export function subtitlesOf(film: string, names: readonly string[]): Subtitle[] {
  const start = stem(film) + ".";
  const found: Subtitle[] = [];
  for (const name of names) {
    if (!name.startsWith(start) || !/\.vtt$/i.test(name)) continue;
    const tag = name.slice(start.length, -"vtt".length).replace(/\.$/, "");
    if (!tag.includes(".") && !tag.includes("/")) found.push({name, tag});
  }
  return found.sort((a, b) => a.tag.localeCompare(b.tag));
}

export function isLanguage(tag: string): boolean {
  return /^[a-z]{2,3}([-_][a-z0-9]{2,8})*$/i.test(tag);
}

// The one in the page's language is shown unasked, else the one that names none.
export function shownFirst(list: readonly Subtitle[], own: string): Subtitle | undefined {
  const speaks = ({tag}: Subtitle) => isLanguage(tag) && tag.toLowerCase().split(/[-_]/)[0] === own;
  return list.find(speaks) ?? list.find(({tag}) => tag === "");
}

export async function loadTracks(nodes: Nodes, film: string, unnamed: string): Promise<Track[]> {
  const query = `/files?limit=100&prefix=${encodeURIComponent(stem(film) + ".")}`;
  const response = await nodes.fetchAny(query);
  if (!response.ok) return [];
  const {files}: {files: StoredFile[]} = await response.json();
  const small = files.filter((file) => file.size <= largest && !file.incomplete);
  const list = subtitlesOf(
    film,
    small.map(({name}) => name),
  );
  const first = shownFirst(list, language);
  const tracks = list.map(async (each): Promise<Track | undefined> => {
    const body = await nodes.fetchAny(filePath(each.name) + "?via=proxy");
    if (!body.ok) return undefined;
    const url = URL.createObjectURL(new Blob([await body.text()], {type: "text/vtt"}));
    const label = labelOf(each.tag) || unnamed;
    const lang = isLanguage(each.tag) ? each.tag.replace("_", "-") : language;
    return {...each, url, label, lang, shown: each === first};
  });
  const loaded = await Promise.allSettled(tracks);
  return loaded.flatMap((each) => (each.status === "fulfilled" && each.value ? [each.value] : []));
}

function labelOf(tag: string): string {
  if (!isLanguage(tag)) return tag;
  try {
    return new Intl.DisplayNames([language], {type: "language"}).of(tag.replace("_", "-")) ?? tag;
  } catch {
    return tag;
  }
}
