import {useSignal} from "@preact/signals";
import {useEffect, useRef} from "preact/hooks";
import {access, may, readingIsGuarded} from "../../access/rights";
import {dayAndTime} from "../../format";
import {linkTo, shareLink, type ShareMade} from "../../link";
import type {StoredFile} from "../../types";
import {t} from "../access/words";
import {MakeShare, Made} from "./make_share";
import {Modal} from "./modal";

// The link of a file, or a share link that is made for it: to copy, to share, or as a QR code for a
// camera.
export function Share({file, close}: {file: StoredFile; close(): void}) {
  const field = useRef<HTMLInputElement>(null);
  const told = useSignal("");
  const made = useSignal<ShareMade | undefined>(undefined);
  const link = made.value ? shareLink(made.value) : linkTo(file);
  const shares = access.value?.shares ?? false;
  const copy = async () => {
    told.value = t((await copied(link, field.current!)) ? "copied" : "copy_yourself");
  };
  return (
    <Modal name={file.name} kind="share-dialog" close={close}>
      <QrCode text={link} />
      <input
        class="address"
        ref={field}
        readOnly
        value={link}
        aria-label={t("link_address")}
        onFocus={(event) => event.currentTarget.select()}
      />
      <div class="actions">
        <button class="copy" onClick={() => void copy()}>
          {t("copy")}
        </button>
        {"share" in navigator && (
          <button class="quiet" onClick={() => void share(file, link)}>
            {t("share")}
          </button>
        )}
      </div>
      <p class="muted" role="status">
        {told.value}
      </p>
      {shares && <p class="opens">{opensFor(made.value)}</p>}
      {shares && may("write") && (
        <MakeShare name={file.name} made={(now) => ((made.value = now), (told.value = ""))} />
      )}
      {shares && !may("write") && <p class="muted">{t("share_needs_write")}</p>}
      {shares && may("write") && (
        <Made
          key={made.value?.id}
          name={file.name}
          revoked={(id) => {
            if (made.value?.id === id) made.value = undefined;
            told.value = t("share_revoked");
            focusMake();
          }}
        />
      )}
    </Modal>
  );
}

// The button that was pressed is about to go with its link.
function focusMake(): void {
  document.querySelector<HTMLElement>(".share-dialog .make")?.focus();
}

function opensFor(made: ShareMade | undefined): string {
  if (!made) return t(readingIsGuarded.value ? "link_closed" : "link_open");
  const {expires, downloads} = made;
  const until = t("link_made", dayAndTime(expires));
  if (downloads === null) return until;
  return `${until} ${downloads === 1 ? t("link_downloads_one") : t("link_downloads", downloads)}`;
}

// Pages of plain http:// on other hosts have no clipboard: there the selection is copied.
async function copied(link: string, field: HTMLInputElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(link);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand("copy");
  }
}

async function share(file: StoredFile, url: string): Promise<void> {
  await navigator.share({title: file.name, url}).catch(() => undefined); // it was called off
}

function QrCode({text}: {text: string}) {
  const code = useSignal<Drawing | undefined>(undefined);
  const problem = useSignal("");
  useEffect(() => {
    drawn(text)
      .then((now) => (code.value = now))
      .catch(() => (problem.value = t("qr_long")));
  }, [text]);
  if (problem.value) return <p class="muted">{problem}</p>;
  const {size, path} = code.value ?? {size: 1, path: ""};
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t("qr", text)}>
      <path d={path} />
    </svg>
  );
}

interface Drawing {
  size: number;
  path: string;
}

async function drawn(text: string): Promise<Drawing> {
  const {encode} = await import("uqr");
  const {size, data} = encode(text, {border: 2});
  const squares = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
  return {size, path: squares.join("")};
}
