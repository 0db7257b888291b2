import {signal} from "@preact/signals";
import {useEffect, useState} from "preact/hooks";
import {say} from "../../state";
import {t} from "../../text";
import type {StoredFile} from "../../types";

// What is open above the list; each dialog comes when it is first wanted.

export const opened = signal<{what: "preview" | "link"; file: StoredFile} | undefined>(undefined);

type Above = typeof import("./above");

const close = () => (opened.value = undefined);

export function Dialogs() {
  const now = opened.value;
  const above = useAbove(now !== undefined, close);
  if (!now || !above) return null;
  const Made = now.what === "link" ? above.Share : above.Preview;
  return <Made key={now.file.name} file={now.file} close={close} />;
}

// The dialogs, once they are wanted and here.
export function useAbove(wanted: boolean, failed: () => void): Above | undefined {
  const [above, setAbove] = useState<Above | undefined>(undefined);
  const lacking = wanted && !above;
  useEffect(() => {
    if (!lacking) return;
    import("./above").then(setAbove).catch(() => (failed(), say(t("error_unreachable"), true)));
  }, [lacking]);
  return above;
}
