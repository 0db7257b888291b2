// What people know from elsewhere: what a key does to a player.

export const speeds = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

export type Action =
  | {do: "toggle" | "mute" | "fill" | "subtitles"}
  | {do: "skip"; by: number}
  | {do: "louder"; by: number}
  | {do: "speed"; by: 1 | -1}
  | {do: "part"; of: number};

// `pressable`: a button or a menu has the focus and needs its own keys.
export function actionOf(key: string, pressable: boolean): Action | undefined {
  if (pressable && !/^[a-z<>]$/i.test(key)) return undefined;
  switch (key.toLowerCase()) {
    case " ":
    case "k":
      return {do: "toggle"};
    case "j":
      return {do: "skip", by: -10};
    case "l":
      return {do: "skip", by: 10};
    case "arrowleft":
      return {do: "skip", by: -5};
    case "arrowright":
      return {do: "skip", by: 5};
    case "arrowup":
      return {do: "louder", by: 0.1};
    case "arrowdown":
      return {do: "louder", by: -0.1};
    case "m":
      return {do: "mute"};
    case "f":
      return {do: "fill"};
    case "c":
      return {do: "subtitles"};
    case "<":
      return {do: "speed", by: -1};
    case ">":
      return {do: "speed", by: 1};
  }
  return /^[0-9]$/.test(key) ? {do: "part", of: Number(key) / 10} : undefined;
}

export function nextSpeed(now: number, by: 1 | -1): number {
  const at = speeds.findIndex((each) => each >= now - 0.001);
  return speeds[Math.min(speeds.length - 1, Math.max(0, at + by))]!;
}

export function act(action: Action, media: HTMLMediaElement): void {
  const {duration} = media;
  const long = Number.isFinite(duration) ? duration : Infinity;
  const between = (least: number, value: number, most: number) =>
    Math.min(most, Math.max(least, value));
  switch (action.do) {
    case "toggle":
      return void (media.paused ? media.play().catch(() => undefined) : media.pause());
    case "skip":
      return void (media.currentTime = between(0, media.currentTime + action.by, long));
    case "louder":
      media.muted = false;
      return void (media.volume = between(0, media.volume + action.by, 1));
    case "mute":
      return void (media.muted = !media.muted);
    case "fill":
      return void (
        document.fullscreenElement ? document.exitFullscreen() : media.requestFullscreen?.()
      )?.catch(() => undefined);
    case "speed":
      return setSpeed(media, nextSpeed(media.playbackRate, action.by));
    case "part":
      if (long !== Infinity) media.currentTime = long * action.of;
      return;
    case "subtitles":
      return nextSubtitles(media.textTracks);
  }
}

// Kept when the element is given another source.
export function setSpeed(media: HTMLMediaElement, speed: number): void {
  media.defaultPlaybackRate = media.playbackRate = speed;
}

// None, the first, the second and so on, none again.
function nextSubtitles(tracks: TextTrackList): void {
  const list = Array.from(tracks);
  const now = list.findIndex((track) => track.mode === "showing");
  list.forEach((track, i) => (track.mode = i === now + 1 ? "showing" : "disabled"));
}
