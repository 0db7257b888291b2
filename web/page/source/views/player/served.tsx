import {useEffect} from "preact/hooks";
import {useSignal} from "@preact/signals";
import {bytes, host} from "../../format";
import {clock, percent, spans, type Span, type Switch} from "../../player/marks";
import type {Playback} from "../../player/playback";
import {t} from "../../text";

// Who serves, how much is here, and where in the film another node took over.
export function Served({playback, media}: {playback: Playback; media: HTMLMediaElement}) {
  return (
    <>
      <Bar media={media} switches={playback.switches.value} />
      <Badge playback={playback} />
    </>
  );
}

interface Shown {
  played: number;
  duration: number;
  buffered: Span[];
}

const events = ["timeupdate", "progress", "durationchange", "seeking", "emptied"];

function Bar({media, switches}: {media: HTMLMediaElement; switches: readonly Switch[]}) {
  const shown = useSignal<Shown>({played: 0, duration: NaN, buffered: []});
  useEffect(() => {
    const look = () => {
      const {duration, currentTime, buffered} = media;
      const played = percent(currentTime, duration);
      shown.value = {played, duration, buffered: spans(buffered, duration)};
    };
    for (const event of events) media.addEventListener(event, look);
    return () => events.forEach((event) => media.removeEventListener(event, look));
  }, [media]);
  const {played, duration, buffered} = shown.value;
  const at = (left: number) => ({left: `${left}%`});
  return (
    <>
      <div class="played-bar" aria-hidden="true">
        {buffered.map(({left, width}, i) => (
          <span key={i} class="buffered" style={{left: `${left}%`, width: `${width}%`}} />
        ))}
        <span class="played" style={{width: `${played}%`}} />
        {switches.map((each, i) => (
          <span key={i} class="switch" style={at(percent(each.at, duration))} title={told(each)} />
        ))}
      </div>
      {switches.length > 0 && (
        <ol class="for-readers" aria-label={t("switches")}>
          {switches.map((each, i) => (
            <li key={i}>{told(each)}</li>
          ))}
        </ol>
      )}
    </>
  );
}

function told({at, from, to, reason}: Switch): string {
  return t("switch_at", clock(at), host(from.http), host(to.http), t(`reason_${reason}`));
}

function Badge({playback}: {playback: Playback}) {
  const switches = playback.switches.value;
  const last = switches[switches.length - 1];
  const plain = playback.way.value === "plain";
  const http = plain ? playback.plainOrigin.value : playback.serving.value?.http;
  return (
    <p class="badge-line">
      <span class="pill" aria-live="polite">
        <span aria-hidden="true">◉ </span>
        {http ? t("served_by", host(http)) : t("buffering")}
      </span>
      {last && (
        <span class="switched" aria-live="polite">
          <span aria-hidden="true">⇄ </span>
          {t("switched", host(last.from.http), t(`reason_${last.reason}`))}
        </span>
      )}
      {!plain && <span class="muted">{bytes(playback.received.value)}</span>}
    </p>
  );
}
