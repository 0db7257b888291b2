import {useEffect, useLayoutEffect, useMemo, useRef} from "preact/hooks";
import {useSignal} from "@preact/signals";
import {files, playing} from "../library";
import {act, actionOf} from "../player/keys";
import {clock} from "../player/marks";
import {announce} from "../player/media_session";
import {mediaType} from "../player/media_type";
import {Playback, type Way} from "../player/playback";
import {Positions} from "../player/positions";
import {safeStorage} from "../state";
import {t} from "../text";
import type {StoredFile} from "../types";
import {Download} from "./download";
import {Arriving} from "./player/arriving";
import {Controls} from "./player/controls";
import {Served} from "./player/served";
import {useTracks} from "./player/tracks";

const ways: readonly string[] = ["sw", "mse", "plain"];
const rememberEvery = 5; // seconds of the film
const positions = new Positions(safeStorage());

function forcedWay(): Way | undefined {
  const asked = new URLSearchParams(location.search).get("player") ?? "";
  return ways.includes(asked) ? (asked as Way) : undefined;
}

export function Player() {
  const file = playing.value;
  return (
    <>
      {file && <Stage key={file.name + file.version} file={file} />}
      <Arriving />
    </>
  );
}

function Stage({file}: {file: StoredFile}) {
  const media = useRef<HTMLVideoElement>(null);
  const section = useRef<HTMLElement>(null);
  const playback = useSignal<Playback | undefined>(undefined);
  const continued = useSignal<number | undefined>(undefined);
  const type = useMemo(() => mediaType(file) ?? "", [file]);
  const sound = useSignal(type.startsWith("audio/"));
  const unplayable = useMemo(
    () => !type || document.createElement("video").canPlayType(type) === "",
    [type],
  );
  const tracks = useTracks(unplayable || sound.peek() ? undefined : file.name);
  const close = () => (playing.value = undefined);
  useLayoutEffect(() => {
    const [before, own] = [document.activeElement, section.current];
    return () => {
      const inside = own?.contains(document.activeElement);
      if (inside && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  useEffect(() => {
    section.current?.scrollIntoView({block: "nearest"});
    const element = media.current;
    element?.focus({preventScroll: true}); // so that its keys work
    if (unplayable || !element) return;
    const made = new Playback(file, element, forcedWay());
    const forget = file.incomplete ? undefined : remember(file, element, continued);
    const silence = announce(element, file.name.split("/").pop()!, close);
    const look = () => (sound.value = element.videoWidth === 0);
    element.addEventListener("loadedmetadata", look);
    playback.value = made;
    void made.start();
    return () => {
      forget?.();
      silence();
      element.removeEventListener("loadedmetadata", look);
      made.end();
    };
  }, []);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => keys(event, section.current, media.current);
    addEventListener("keydown", pressed, true); // before the browser's own controls
    return () => removeEventListener("keydown", pressed, true);
  }, []);
  const now = playback.value;
  return (
    <section
      class={sound.value ? "card player sound" : "card player"}
      aria-label={t("player")}
      ref={section}
      data-way={now?.way.value}
      data-node={now?.serving.value?.node}
      data-http={now?.serving.value?.http ?? now?.plainOrigin.value}
      data-switches={now?.switches.value.length}
      data-received={now?.received.value}
    >
      <div class="card-head">
        <h2>
          {sound.value && <span aria-hidden="true">♪ </span>}
          {file.name}
        </h2>
        <button class="quiet close" onClick={close}>
          {t("close")}
        </button>
      </div>
      {unplayable ? (
        <Cannot file={file} sentence={t("cannot_play", file.name)} />
      ) : (
        <>
          <video ref={media} controls playsInline preload="auto" tabIndex={0} aria-label={file.name}>
            {tracks.map((track) => (
              <track
                key={track.url}
                kind="subtitles"
                src={track.url}
                srclang={track.lang}
                label={track.label}
                default={track.shown}
              />
            ))}
          </video>
          {file.incomplete && now && <StillArriving file={file} playback={now} />}
          {now?.problem.value !== undefined && (
            <Cannot file={file} sentence={t("play_failed", file.name, now.problem.value)} />
          )}
          {continued.value !== undefined && (
            <Continued
              media={media.current!}
              at={continued.value}
              done={() => (continued.value = undefined)}
            />
          )}
          {now && <Served playback={now} media={media.current!} />}
          {now && <Controls media={media.current!} sound={sound.value} />}
        </>
      )}
    </section>
  );
}

// Goes on from where the file was left, and remembers where it is left now. Answers how to end it.
function remember(
  file: StoredFile,
  media: HTMLMediaElement,
  continued: {value: number | undefined},
): () => void {
  const start = positions.of(file.name);
  let last = start ?? 0;
  const begun = () => {
    if (!start || start >= media.duration) return;
    media.currentTime = start;
    continued.value = start;
  };
  const keep = () => {
    if (media.readyState === 0) return; // it has no position yet
    last = media.currentTime;
    positions.left(file.name, media.ended ? 0 : last, media.duration);
  };
  const moved = () => void (Math.abs(media.currentTime - last) >= rememberEvery && keep());
  media.addEventListener("loadedmetadata", begun, {once: true});
  media.addEventListener("timeupdate", moved);
  media.addEventListener("pause", keep);
  addEventListener("pagehide", keep);
  return () => {
    keep();
    media.removeEventListener("loadedmetadata", begun);
    media.removeEventListener("timeupdate", moved);
    media.removeEventListener("pause", keep);
    removeEventListener("pagehide", keep);
  };
}

function keys(
  event: KeyboardEvent,
  section: HTMLElement | null,
  media: HTMLMediaElement | null,
): void {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || !media) return;
  const target = event.target as Element;
  if (target !== document.body && !section?.contains(target)) return;
  const action = actionOf(event.key, Boolean(target.closest("button, select, a, summary")));
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  act(action, media);
}

function Continued({media, at, done}: {media: HTMLMediaElement; at: number; done(): void}) {
  const over = () => {
    media.currentTime = 0;
    media.focus();
    done();
  };
  return (
    <p class="continued" role="status">
      {t("continued", clock(at))}{" "}
      <button class="quiet start-over" onClick={over}>
        {t("start_over")}
      </button>
    </p>
  );
}

// What has come is played; a film whose index is at its end waits for all of it.
function StillArriving({file, playback}: {file: StoredFile; playback: Playback}) {
  const whole = files.value?.get(file.name);
  const only = playback.atEndOnly.value;
  const over = playback.givenUp.value;
  const failed = over || playback.problem.value !== undefined;
  useEffect(() => {
    if (whole && (only || failed)) playing.value = whole;
  }, [whole, only, failed]);
  if (over && !whole) {
    return (
      <p class="problem" role="alert" data-problem="given-up">
        {t("arriving_ended")}
      </p>
    );
  }
  return (
    <p class={only ? "arriving-note wait" : "arriving-note"} role="status">
      {whole ? t("arrived") : t(only ? "arriving_index_last" : "arriving_plays")}
    </p>
  );
}

function Cannot({file, sentence}: {file: StoredFile; sentence: string}) {
  return (
    <p class="problem" role="alert">
      {sentence} <Download file={file}>{t("download")}</Download>
    </p>
  );
}
