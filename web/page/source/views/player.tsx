import {useEffect, useMemo, useRef} from "preact/hooks";
import {useSignal} from "@preact/signals";
import {bytes, host} from "../format";
import {mediaType, Playback, type Way} from "../player/playback";
import {playing} from "../library";
import {t} from "../text";
import type {StoredFile} from "../types";
import {downloadUrl} from "./files";

const ways: readonly string[] = ["sw", "mse", "plain"];

function forcedWay(): Way | undefined {
  const asked = new URLSearchParams(location.search).get("player") ?? "";
  return ways.includes(asked) ? (asked as Way) : undefined;
}

export function Player() {
  const file = playing.value;
  return file ? <Stage key={file.name + file.version} file={file} /> : null;
}

function Stage({file}: {file: StoredFile}) {
  const video = useRef<HTMLVideoElement>(null);
  const section = useRef<HTMLElement>(null);
  const playback = useSignal<Playback | undefined>(undefined);
  const unplayable = useMemo(() => {
    const type = mediaType(file);
    return !type || document.createElement("video").canPlayType(type) === "";
  }, [file]);
  useEffect(() => {
    section.current?.scrollIntoView({block: "nearest"});
    video.current?.focus(); // so that its keys work
    if (unplayable || !video.current) return;
    const made = new Playback(file, video.current, forcedWay());
    playback.value = made;
    void made.start();
    return () => made.end();
  }, []);
  const now = playback.value;
  return (
    <section
      class="card player"
      onKeyDown={(event) => video.current && keys(event, video.current)}
      aria-label={t("player")}
      ref={section}
      data-way={now?.way.value}
      data-node={now?.serving.value?.holder.node}
      data-http={now?.serving.value?.holder.http ?? now?.plainOrigin.value}
      data-switches={now?.switches.value}
      data-received={now?.received.value}
    >
      <div class="card-head">
        <h2>{file.name}</h2>
        <button class="quiet" onClick={() => (playing.value = undefined)}>
          {t("close")}
        </button>
      </div>
      {unplayable ? (
        <Cannot file={file} sentence={t("cannot_play", file.name)} />
      ) : (
        <>
          <video ref={video} controls playsInline preload="auto" />
          {now?.problem.value !== undefined && (
            <Cannot file={file} sentence={t("play_failed", file.name, now.problem.value)} />
          )}
          {now && <Badge playback={now} />}
        </>
      )}
    </section>
  );
}

// What people know from elsewhere: K plays and pauses, J and L jump ten seconds, M mutes, F fills.
function keys(event: KeyboardEvent, video: HTMLVideoElement): void {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  switch (event.key.toLowerCase()) {
    case "k":
      return void (video.paused ? video.play().catch(() => undefined) : video.pause());
    case "j":
      return void (video.currentTime -= 10);
    case "l":
      return void (video.currentTime += 10);
    case "m":
      return void (video.muted = !video.muted);
    case "f":
      return void (document.fullscreenElement
        ? document.exitFullscreen()
        : video.requestFullscreen());
  }
}

function Badge({playback}: {playback: Playback}) {
  const serving = playback.serving.value;
  if (playback.way.value === "plain") {
    return <p class="badge-line">{t("served_by", host(playback.plainOrigin.value))}</p>;
  }
  return (
    <p class="badge-line" aria-live="polite">
      <span class="pill">
        <span aria-hidden="true">◉ </span>
        {serving ? t("served_by", host(serving.holder.http)) : t("buffering")}
      </span>
      {serving?.from && serving.reason !== "first" && (
        <span class="switched">
          <span aria-hidden="true">⇄ </span>
          {t("switched", host(serving.from.http), t(`reason_${serving.reason}`))}
        </span>
      )}
      <span class="muted">{bytes(playback.received.value)}</span>
    </p>
  );
}

function Cannot({file, sentence}: {file: StoredFile; sentence: string}) {
  return (
    <p class="problem" role="alert">
      {sentence} <a href={downloadUrl(file)}>{t("download")}</a>
    </p>
  );
}
