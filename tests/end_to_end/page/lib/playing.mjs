// Measures a player: when it starts, how long it stands still, how long a jump takes.
import {copyFileSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {until} from "./cluster.mjs";
import {row} from "./steps.mjs";

export async function put(the, name, path) {
  if (the.fake) return copyFileSync(path, join(the.folder, "files", encodeURIComponent(name)));
  const [node] = the.cluster.nodes();
  const response = await fetch(`${node.url}/files/${name}`, {method: "PUT", body: readFileSync(path)});
  if (!response.ok) throw new Error(`PUT ${name}: ${response.status}`);
}

// Milliseconds from the click until it plays.
export async function startTime(page, name, limit = 15_000, selector = `${row(name)} .play`) {
  await page.waitForSelector(selector, {timeout: 10_000});
  const began = (button) => {
    globalThis.playingAt = undefined;
    const note = ({target}) => {
      if (target.readyState > 1 && target.currentTime > 0) globalThis.playingAt ??= performance.now();
    };
    for (const event of ["playing", "timeupdate"]) document.addEventListener(event, note, true);
    document.querySelector(button).click();
    return performance.now();
  };
  const clicked = await page.evaluate(began, selector);
  const at = await page.waitForFunction(() => globalThis.playingAt, undefined, {timeout: limit});
  return Math.round((await at.jsonValue()) - clicked);
}

// Milliseconds from the jump until it plays there.
export function seekTime(page, to, limit = 10_000) {
  return page.evaluate(
    ([goal, most]) =>
      new Promise((resolve, reject) => {
        const media = document.querySelector("video");
        const began = performance.now();
        const look = () => {
          const took = performance.now() - began;
          const there = media.currentTime > goal + 0.02 && media.currentTime < goal + 12;
          if (there && !media.seeking && media.readyState > 2) resolve(Math.round(took));
          else if (took > most) reject(new Error(`no picture at ${goal} s within ${most} ms`));
          else requestAnimationFrame(look);
        };
        media.currentTime = goal;
        look();
      }),
    [to, limit],
  );
}

export function media(page) {
  return page.evaluate(() => {
    const {currentTime, duration, paused, ended, playbackRate, volume, muted, buffered} =
      document.querySelector("video");
    let ahead = 0;
    for (let i = 0; i < buffered.length; ++i) {
      if (buffered.start(i) <= currentTime + 0.1) ahead = buffered.end(i) - currentTime;
    }
    return {currentTime, duration, paused, ended, playbackRate, volume, muted, ahead};
  });
}

export async function bufferedAhead(page, seconds, limit = 15_000) {
  await until(limit, `${seconds} s are buffered`, async () => (await media(page)).ahead >= seconds);
}
