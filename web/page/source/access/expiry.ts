// How long a share link opens.

const seconds = {hour: 3600, day: 86_400, week: 7 * 86_400, month: 30 * 86_400};
const shortest = 60; // seconds, as the nodes take them
const longest = 365 * 86_400;

export const spans = ["hour", "day", "week", "month", "custom"] as const;
export type Span = (typeof spans)[number];

// In seconds from `now` (ms); undefined when `until`, a local time, is no time that the nodes take.
export function expiryOf(span: Span, until: string, now: number): number | undefined {
  if (span !== "custom") return seconds[span];
  const left = Math.round((Date.parse(until) - now) / 1000);
  return left >= shortest && left <= longest ? left : undefined;
}
