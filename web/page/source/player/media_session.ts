// What the keyboard's media keys, the lock screen and the system's own player show and do.

const events = ["loadedmetadata", "durationchange", "ratechange", "seeked", "play", "pause"];

// Answers how to end it.
export function announce(media: HTMLMediaElement, title: string, close: () => void): () => void {
  const session = navigator.mediaSession as MediaSession | undefined;
  if (!session) return () => undefined;
  const skip = (by: number) => (media.currentTime = Math.max(0, media.currentTime + by));
  const actions: [MediaSessionAction, MediaSessionActionHandler][] = [
    ["play", () => void media.play().catch(() => undefined)],
    ["pause", () => media.pause()],
    ["seekbackward", ({seekOffset}) => skip(-(seekOffset ?? 10))],
    ["seekforward", ({seekOffset}) => skip(seekOffset ?? 10)],
    ["seekto", ({seekTime}) => seekTime !== undefined && (media.currentTime = seekTime ?? 0)],
    ["stop", close],
  ];
  if ("MediaMetadata" in globalThis) session.metadata = new MediaMetadata({title});
  for (const [name, run] of actions) handle(session, name, run);
  const tell = () => position(session, media);
  for (const event of events) media.addEventListener(event, tell);
  return () => {
    for (const event of events) media.removeEventListener(event, tell);
    for (const [name] of actions) handle(session, name, null);
    session.metadata = null;
    session.playbackState = "none";
  };
}

function handle(
  session: MediaSession,
  name: MediaSessionAction,
  run: MediaSessionActionHandler | null,
): void {
  try {
    session.setActionHandler(name, run);
  } catch {
    // This browser knows no such action.
  }
}

function position(session: MediaSession, media: HTMLMediaElement): void {
  session.playbackState = media.paused ? "paused" : "playing";
  const {duration, playbackRate, currentTime} = media;
  if (!session.setPositionState || !Number.isFinite(duration) || duration <= 0) return;
  const at = Math.min(currentTime, duration);
  session.setPositionState({duration, playbackRate, position: at});
}
