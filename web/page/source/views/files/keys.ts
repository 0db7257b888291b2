// Up, down, the first and the last row, from the keyboard; the focus stays on the same control.

const patience = 3000; // ms for a row that has to be fetched

export function moveFocus(event: KeyboardEvent, port: Element, row: number, total: number): void {
  const from = (event.target as Element).closest<HTMLElement>("[data-index]");
  if (!from || event.ctrlKey || event.altKey || event.metaKey) return;
  const index = Number(from.dataset.index);
  const to = goal(event.key, index, total, Math.max(1, Math.floor(port.clientHeight / row) - 1));
  if (to === undefined) return;
  event.preventDefault();
  const act = (event.target as HTMLElement).dataset.act ?? "tick";
  const top = to * row;
  if (top < port.scrollTop) port.scrollTop = top;
  else if (top + row > port.scrollTop + port.clientHeight)
    port.scrollTop = top + row - port.clientHeight;
  focusSoon(port, to, act, performance.now() + patience);
}

function goal(key: string, index: number, total: number, page: number): number | undefined {
  const steps: Record<string, number> = {ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page};
  if (key === "Home") return 0;
  if (key === "End") return total - 1;
  const step = steps[key];
  return step === undefined ? undefined : Math.max(0, Math.min(total - 1, index + step));
}

// A row is about to leave the list: the focus goes to the one that takes its place.
export function focusNext(control: HTMLElement, index: number, total: number): void {
  const port = control.closest(".port")!;
  const act = control.dataset.act!;
  const next = Math.min(index, total - 2);
  requestAnimationFrame(() => {
    if (next < 0) focusSearch();
    else focusSoon(port, next, act, performance.now() + patience);
  });
}

// From where the list is reached, when what had the focus goes.
export function focusSearch(): void {
  document.querySelector<HTMLElement>('input[type="search"]')?.focus();
}

// The row may have to be drawn first, or be on its way; meanwhile the focus may go elsewhere.
function focusSoon(port: Element, index: number, act: string, until: number): void {
  const before = document.activeElement;
  const row = port.querySelector(`[data-index="${index}"]`);
  const control = row?.querySelector<HTMLElement>(`[data-act="${act}"]`);
  const found = control ?? row?.querySelector<HTMLElement>('[data-act="tick"]');
  if (found) return found.focus({preventScroll: true});
  requestAnimationFrame(() => {
    const waits = document.activeElement === before && performance.now() < until;
    if (waits) focusSoon(port, index, act, until);
  });
}
