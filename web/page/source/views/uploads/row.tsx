import {bytes, duration} from "../../format";
import {t} from "../../text";
import {cancel, isRunning, pause, resume, type Upload} from "../../uploads";

export function Row({upload}: {upload: Upload}) {
  const state = upload.state.value;
  const bad = state === "failed" || state === "refused";
  return (
    <li class={`upload ${state}`} data-upload={upload.name} data-state={state}>
      <div class="file-name">
        <span class="name" title={upload.name}>
          {upload.name}
        </span>
        <span class="muted" role="status">
          {sentence(upload)}
        </span>
        {upload.note.value && (
          <span
            class={bad ? "problem" : "muted"}
            role={bad ? "alert" : "status"}
          >
            {upload.note.value}
          </span>
        )}
      </div>
      {(isRunning(upload) || state === "paused") && (
        <progress value={upload.sent.value} max={upload.file.size || 1} aria-label={upload.name} />
      )}
      <div class="actions">
        <OnOff upload={upload} />
        {state !== "done" && state !== "cancelled" && state !== "refused" && (
          <button class="quiet cancel" onClick={() => cancel(upload)}>
            {t("cancel")}
          </button>
        )}
      </div>
    </li>
  );
}

// One button, which keeps the focus when it changes its meaning.
function OnOff({upload}: {upload: Upload}) {
  const state = upload.state.value;
  const act = isRunning(upload)
    ? "pause"
    : state === "paused"
      ? "resume"
      : state === "failed" || state === "cancelled"
        ? "retry"
        : undefined;
  if (!act) return null;
  const run = act === "pause" ? pause : resume;
  return (
    <button class={act === "pause" ? "quiet pause" : act} onClick={() => run(upload)}>
      {t(act)}
    </button>
  );
}

function sentence(upload: Upload): string {
  const {file, sent, speed, state} = upload;
  switch (state.value) {
    case "sending": {
      const left = speed.value > 0 ? (file.size - sent.value) / speed.value : Infinity;
      return t("sending", bytes(sent.value), bytes(file.size), bytes(speed.value), duration(left));
    }
    case "securing":
      return t("securing");
    case "waiting":
      return t("waiting");
    case "done":
      return `✓ ${t("done")}, ${bytes(file.size)}`;
    case "paused":
      return t("paused", bytes(sent.value), bytes(file.size));
    case "cancelled":
      return t("cancelled");
    case "failed":
    case "refused":
      return "";
  }
}
