import {useEffect} from "preact/hooks";
import {useSignal} from "@preact/signals";
import {setSpeed, speeds} from "../../player/keys";
import {language, t, type TextKey} from "../../text";

// What the browser's own controls lack or hide: speed, picture-in-picture, the list of keys.
export function Controls({media, sound}: {media: HTMLVideoElement; sound: boolean}) {
  return (
    <div class="player-controls">
      <Speed media={media} />
      {!sound && <PictureInPicture media={media} />}
      <details class="keys-help">
        <summary class="button quiet">{t("keys")}</summary>
        <Keys />
      </details>
    </div>
  );
}

function Speed({media}: {media: HTMLMediaElement}) {
  const speed = useSignal(1);
  useEffect(() => {
    const look = () => (speed.value = media.playbackRate);
    media.addEventListener("ratechange", look);
    return () => media.removeEventListener("ratechange", look);
  }, [media]);
  return (
    <label class="speed">
      {t("speed")}{" "}
      <select
        value={String(speed.value)}
        onChange={(event) => setSpeed(media, Number(event.currentTarget.value))}
      >
        {speeds.map((each) => (
          <option key={each} value={String(each)}>
            {each.toLocaleString(language)}×
          </option>
        ))}
      </select>
    </label>
  );
}

function PictureInPicture({media}: {media: HTMLVideoElement}) {
  const inside = useSignal(false);
  useEffect(() => {
    const enter = () => (inside.value = true);
    const leave = () => (inside.value = false);
    media.addEventListener("enterpictureinpicture", enter);
    media.addEventListener("leavepictureinpicture", leave);
    return () => {
      media.removeEventListener("enterpictureinpicture", enter);
      media.removeEventListener("leavepictureinpicture", leave);
      if (document.pictureInPictureElement === media) void document.exitPictureInPicture();
    };
  }, [media]);
  if (!document.pictureInPictureEnabled) return null;
  const toggle = () =>
    void (inside.value ? document.exitPictureInPicture() : media.requestPictureInPicture()).catch(
      () => undefined, // no picture yet
    );
  return (
    <button class="quiet small-picture" aria-pressed={inside.value} onClick={toggle}>
      {t("picture_in_picture")}
    </button>
  );
}

const help: [string[], TextKey][] = [
  [["␣", "K"], "key_toggle"],
  [["J", "L"], "key_ten"],
  [["←", "→"], "key_five"],
  [["0", "…", "9"], "key_part"],
  [["↑", "↓"], "key_volume"],
  [["M"], "key_mute"],
  [["F"], "key_fill"],
  [["C"], "key_subtitles"],
  [["<", ">"], "key_speed"],
];

function Keys() {
  return (
    <dl class="keys">
      {help.map(([names, sentence]) => (
        <div key={sentence}>
          <dt>
            {names.map((name) => (name === "…" ? "…" : <kbd key={name}>{name}</kbd>))}
          </dt>
          <dd>{t(sentence)}</dd>
        </div>
      ))}
    </dl>
  );
}
