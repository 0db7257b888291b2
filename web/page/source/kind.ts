import {mediaType} from "./player/media_type";
import type {StoredFile} from "./types";

// What the page can show of a file.
export type Kind = "media" | "image" | "text" | "other";

const images = /\.(png|jpe?g|gif|webp|avif|bmp|ico|svg)$/i;
const texts =
  /\.(txt|md|csv|tsv|log|json|xml|ya?ml|toml|ini|conf|html?|css|m?js|tsx?|jsx|py|sh|c|cc|cpp|h|hpp|java|go|rs|rb|sql|tex|srt|vtt)$/i;

export function kindOf(file: StoredFile): Kind {
  if (texts.test(file.name)) return "text"; // .ts too: more often a program than a film
  if (mediaType(file)) return "media";
  if (/^image\//.test(file.type) || images.test(file.name)) return "image";
  return /^text\/|^application\/(json|xml)/.test(file.type) ? "text" : "other";
}
