import {useEffect} from "preact/hooks";
import {useSignal} from "@preact/signals";
import {loadTracks, type Track} from "../../player/subtitles";
import {nodes} from "../../state";
import {t} from "../../text";

// The subtitles stored beside a film, as they are found.
export function useTracks(film: string | undefined): readonly Track[] {
  const tracks = useSignal<readonly Track[]>([]);
  useEffect(() => {
    if (film === undefined) return;
    let left = false;
    const release = () => tracks.value.forEach(({url}) => URL.revokeObjectURL(url));
    void loadTracks(nodes, film, t("subtitles"))
      .then((found) => {
        tracks.value = found;
        if (left) release();
      })
      .catch(() => undefined); // the film plays without
    return () => {
      left = true;
      release();
    };
  }, []);
  return tracks.value;
}
