// Which rows of a list with rows of one height are to be in the document.

export interface Window {
  first: number;
  last: number; // behind the last one
}

export const rowsMost = 150_000; // a browser's boxes are not higher than that many rows
const around = 6; // rows beyond what is seen, for keys that go from row to row

export function windowOf(top: number, height: number, row: number, total: number): Window {
  const first = Math.max(0, Math.min(total, Math.floor(top / row)) - around);
  const last = Math.min(total, Math.ceil((top + height) / row) + around);
  return {first, last: Math.max(first, last)};
}

// What the list has to scroll to, so that the row which was at `before` stays where it was.
export function kept(top: number, row: number, before: number, after: number): number {
  return top <= 0 ? 0 : Math.max(0, top + (after - before) * row);
}
