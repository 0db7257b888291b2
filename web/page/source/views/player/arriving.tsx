import {bytes} from "../../format";
import {arriving, files, playing} from "../../library";
import {mediaType} from "../../player/media_type";
import {t} from "../../text";

// The files that are being uploaded somewhere and can be read as they come.
export function Arriving() {
  const list = arriving.value.filter(({name}) => !files.value?.has(name));
  if (list.length === 0) return null;
  return (
    <section class="card" aria-label={t("arriving")}>
      <div class="card-head">
        <h2>{t("arriving")}</h2>
      </div>
      <ul class="arriving">
        {list.map((file) => (
          <li key={file.name} data-arriving={file.name}>
            <div class="file-name">
              <span class="name">{file.name}</span>
              <span class="muted">
                <span aria-hidden="true">⇡ </span>
                {t("arrived_so_far", bytes(file.size))}
              </span>
            </div>
            {mediaType(file) && (
              <button class="play" onClick={() => (playing.value = file)}>
                <span aria-hidden="true">▶ </span>
                {t("play")}
                <span class="for-readers"> {file.name}</span>
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
