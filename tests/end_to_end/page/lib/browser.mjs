import {createRequire} from "node:module";
import {join} from "node:path";

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
  "--mute-audio",
  "--host-resolver-rules=MAP films.example 127.0.0.1",
];

// `more`: further arguments for the browser.
export function launch(modules, executablePath, more = []) {
  const {chromium} = createRequire(join(modules, "package.json"))("playwright-core");
  return chromium.launch({executablePath, headless: true, args: [...args, ...more]});
}

// Starts recording how long `currentTime` stands still, from the first picture on. A page that was
// busy and drew no picture meanwhile is no stand-still of what went on beside it.
export async function recordStanding(page) {
  await page.evaluate(() => {
    const record = {worst: 0, worstFrame: 0, since: performance.now()};
    globalThis.standing = record;
    const video = document.querySelector("video");
    let last = video.currentTime;
    let changed = performance.now();
    let frame = changed;
    const look = () => {
      const now = performance.now();
      record.worstFrame = Math.max(record.worstFrame, now - frame);
      frame = now;
      if (video.currentTime !== last || video.paused || video.ended) {
        const played = 1000 * Math.max(0, video.currentTime - last);
        record.worst = Math.max(record.worst, now - changed - played);
        changed = now;
        last = video.currentTime;
      } else {
        record.worst = Math.max(record.worst, now - changed);
      }
      if (globalThis.standing === record) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

// The longest time it stood still, in milliseconds; frame is the page's own slowest picture.
export function standing(page) {
  return page.evaluate(() => ({
    ms: Math.round(globalThis.standing.worst),
    frame: Math.round(globalThis.standing.worstFrame),
  }));
}

export function player(page) {
  return page.evaluate(() => {
    const {dataset} = document.querySelector(".player") ?? {dataset: {}};
    const video = document.querySelector("video");
    return {
      way: dataset.way,
      http: dataset.http,
      switches: Number(dataset.switches ?? 0),
      received: Number(dataset.received ?? 0),
      time: video?.currentTime ?? 0,
      paused: video?.paused,
      error: video?.error?.message,
      problem: document.querySelector(".player .problem")?.textContent,
    };
  });
}
