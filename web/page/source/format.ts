import {language, t} from "./text";

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

// 1536000 is "1.5 MB": decimal units, as the file managers of most systems show them.
export function bytes(count: number): string {
  let unit = 0;
  while (count >= 999.5 && unit < units.length - 1) {
    count /= 1000;
    ++unit;
  }
  const digits = unit === 0 || count >= 99.95 ? 0 : 1;
  const number = count.toLocaleString(language, {maximumFractionDigits: digits});
  return `${number}\u00a0${units[unit]}`;
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "…";
  return seconds < 90 ? t("seconds", Math.ceil(seconds)) : t("minutes", Math.round(seconds / 60));
}

// How long something still is, in the unit that fits: "3 h". Nothing is shorter than 0.
export function span(seconds: number): string {
  const hours = seconds / 3600;
  if (hours < 1.5) return duration(Math.max(0, seconds));
  if (hours < 36) return t("hours", Math.round(hours));
  return t("days", Math.round(hours / 24));
}

export function moment(rfc3339: string): string {
  const date = new Date(rfc3339);
  if (Number.isNaN(date.getTime())) return "";
  const today = date.toDateString() === new Date().toDateString();
  return today
    ? date.toLocaleTimeString(language, {hour: "2-digit", minute: "2-digit"})
    : date.toLocaleDateString(language, {year: "numeric", month: "short", day: "numeric"});
}

// A day and a time of it.
export function dayAndTime(rfc3339: string): string {
  return new Date(rfc3339).toLocaleString(language, {dateStyle: "medium", timeStyle: "short"});
}

// "http://127.0.0.1:7702" is "127.0.0.1:7702".
export function host(origin: string): string {
  return origin.replace(/^[a-z]+:\/\//, "");
}

// The path of a file on any node: each segment escaped, the slashes kept.
export function filePath(name: string): string {
  return "/files/" + name.split("/").map(encodeURIComponent).join("/");
}
