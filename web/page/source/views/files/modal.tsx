import type {ComponentChildren} from "preact";
import {useLayoutEffect, useRef} from "preact/hooks";
import {t} from "../../text";

// A dialog above the page: the browser keeps the focus in it and gives it back.

interface Props {
  name: string;
  kind: string;
  close(): void;
  children: ComponentChildren;
}

export function Modal({name, kind, close, children}: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before anything else happens: a key that is pressed at once is the dialog's.
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current!.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`modal ${kind}`}
      aria-label={name}
      onClose={close}
      onClick={(event) => event.target === dialog.current && dialog.current!.close()}
    >
      <div class="modal-inside">
        <div class="card-head">
          <h2>{name}</h2>
          <button class="quiet close" onClick={() => dialog.current!.close()}>
            {t("close")}
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
