import {useSignal, type Signal} from "@preact/signals";
import {useEffect, useLayoutEffect, useRef} from "preact/hooks";
import {order, rows, search, show} from "../../library";
import {t} from "../../text";
import type {StoredFile} from "../../types";
import {moveFocus} from "./keys";
import {Blank, Row} from "./row";
import {kept, rowsMost, windowOf, type Window} from "./window";

// The list: of any number of files only the rows that are looked at are in the document.

const narrow = matchMedia("(max-width: 640px)");
const heights = {wide: 60, narrow: 100}; // px, as files.css has them

type List = readonly (StoredFile | undefined)[];

interface Anchor {
  name: string;
  index: number;
}

export function FileList() {
  const port = useRef<HTMLDivElement>(null);
  const span = useSignal<Window>({first: 0, last: 24});
  const height = useRowHeight();
  const focused = useSignal(-1);
  const all = rows.value ?? [];
  const list = all.length > rowsMost ? all.slice(0, rowsMost) : all;
  useScrolling(port, span, list, height.value);
  const shown = indices(span.value, focused.value, list.length);
  return (
    <div class="port" ref={port}>
      <ul
        class="files"
        aria-label={t("files")}
        style={{height: `${list.length * height.value}px`}}
        onKeyDown={(event) => moveFocus(event, port.current!, height.value, list.length)}
        onFocusIn={(event) => (focused.value = indexOf(event.target as Element))}
        onFocusOut={() => (focused.value = -1)}
      >
        {shown.map((index) => {
          const file = list[index];
          const place = {index, total: list.length, top: index * height.value};
          return file ? (
            <Row key={file.name} file={file} {...place} />
          ) : (
            <Blank key={index} {...place} />
          );
        })}
      </ul>
    </div>
  );
}

// The row with the focus stays, wherever the list is scrolled to.
function indices({first, last}: Window, focused: number, total: number): number[] {
  const from = Math.min(first, total);
  const to = Math.min(last, total);
  const all = Array.from({length: to - from}, (_, i) => from + i);
  if (focused >= 0 && focused < from) all.unshift(focused);
  if (focused >= to && focused < total) all.push(focused);
  return all;
}

function indexOf(element: Element): number {
  return Number(element.closest<HTMLElement>("[data-index]")?.dataset.index ?? -1);
}

function useRowHeight(): Signal<number> {
  const now = () => (narrow.matches ? heights.narrow : heights.wide);
  const height = useSignal(now());
  useEffect(() => {
    const changed = () => (height.value = now());
    narrow.addEventListener("change", changed);
    return () => narrow.removeEventListener("change", changed);
  }, []);
  return height;
}

// Keeps the window over what is looked at, and what is looked at in its place when the list changes.
function useScrolling(
  port: {current: HTMLDivElement | null},
  span: Signal<Window>,
  list: List,
  height: number,
): void {
  const anchor = useRef<Anchor | undefined>(undefined);
  const asked = useRef("");
  const look = useRef(() => {});
  look.current = () => {
    if (!port.current) return;
    const {scrollTop, clientHeight} = port.current;
    const next = windowOf(scrollTop, clientHeight, height, list.length);
    const {first, last} = span.value;
    if (next.first !== first || next.last !== last) span.value = next;
    const index = Math.floor(scrollTop / height);
    const name = list[index]?.name;
    anchor.current = name === undefined ? undefined : {name, index};
    show(next.first, next.last);
  };
  useLayoutEffect(() => {
    const element = port.current!;
    const query = JSON.stringify([search.value, order.value]);
    if (asked.current !== query) element.scrollTop = 0;
    else element.scrollTop = anchored(element.scrollTop, height, anchor.current, list);
    asked.current = query;
    look.current();
  }, [rows.value, height]);
  useEffect(() => {
    const element = port.current!;
    const run = () => look.current();
    element.addEventListener("scroll", run, {passive: true});
    const sizes = new ResizeObserver(run);
    sizes.observe(element);
    return () => {
      element.removeEventListener("scroll", run);
      sizes.disconnect();
    };
  }, []);
}

function anchored(top: number, height: number, anchor: Anchor | undefined, list: List): number {
  if (!anchor || list[anchor.index]?.name === anchor.name) return top;
  const index = list.findIndex((row) => row?.name === anchor.name);
  return index < 0 ? top : kept(top, height, anchor.index, index);
}
