// A place in a film at which it can be entered.
export interface Point {
  at: number; // byte
  time: number; // seconds
  end?: number; // seconds: up to where what begins here goes
}

export const slack = 4; // seconds: reading these costs no more than another look
const looks = 8;
const farthest = 2 * slack;
const nearBytes = 16 * 1024;

// The last point that is known to be before `goal`, or one that is near enough, found with few
// looks at the film: it is taken to have about as many bytes in every second, and where that is
// wrong the interval is halved. `first` answers with the first point from a byte on, before another;
// bytes are best looked at from multiples of `step` on.
export async function bisect(
  goal: number,
  low: Point,
  high: Point,
  step: number,
  first: (from: number, end: number) => Promise<Point | undefined>,
): Promise<Point> {
  let before = slack / 2; // seconds: what is aimed at, for the first point may come late
  for (let i = 0; i < looks && goal - low.time > Math.max(slack, before); ++i) {
    if (high.at - low.at < nearBytes) break;
    const share = (goal - before - low.time) / (high.time - low.time);
    const likely = i % 3 === 2 || !(share < 1) ? 0.5 : Math.max(0, share);
    const aim = Math.floor(low.at + likely * (high.at - low.at));
    const from = Math.max(low.at + 1, aim - (aim % step));
    const found = await first(from, high.at);
    if (found && found.time <= goal) {
      low = found;
    } else {
      high = {at: from, time: found?.time ?? high.time};
      before = Math.min(farthest, 2 * before);
    }
  }
  return low;
}
