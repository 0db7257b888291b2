import type {Holder, SwitchReason} from "./block_pool";

// Where in the film another node began to serve, and what a bar shows of it.

export interface Switch {
  at: number; // seconds into the film
  from: Pick<Holder, "http">;
  to: Pick<Holder, "http">;
  reason: Exclude<SwitchReason, "first">;
}

export interface Span {
  left: number; // percent of the bar
  width: number;
}

export function percent(seconds: number, duration: number): number {
  if (!(duration > 0) || !Number.isFinite(duration)) return 0;
  return Math.min(100, Math.max(0, (100 * seconds) / duration));
}

export function spans(
  ranges: Pick<TimeRanges, "length" | "start" | "end">,
  duration: number,
): Span[] {
  return Array.from({length: ranges.length}, (_, i) => {
    const left = percent(ranges.start(i), duration);
    return {left, width: percent(ranges.end(i), duration) - left};
  }).filter(({width}) => width > 0);
}

// 754 is "12:34", 3725 is "1:02:05".
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (count: number) => String(count).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = two(whole % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}
