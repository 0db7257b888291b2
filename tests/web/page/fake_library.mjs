// The list of files of a fake node: searched, ordered and paged as the nodes do. FAKE_MANY more files
// exist only in name.

const count = Number(process.env.FAKE_MANY ?? 0);
const kinds = ["mp4", "png", "txt", "pdf", "zip"];
const types = {mp4: "video/mp4", png: "image/png", txt: "text/plain"};
const since = Date.UTC(2026, 0, 1);

const many = new Map(Array.from({length: count}, (_, i) => [nameOf(i), made(i)]));

function nameOf(i) {
  const number = String(i).padStart(6, "0");
  return `archive/${i % 7 === 0 ? "holiday in the mountains with everybody" : "item"} ${number}.${kinds[i % 5]}`;
}

function made(i) {
  return {
    name: nameOf(i),
    size: (i * 7919) % 5_000_000_000,
    type: types[kinds[i % 5]] ?? "application/octet-stream",
    sha256: String(i).padStart(64, "0"),
    version: `v${i}`,
    modified: new Date(since + i * 60_000).toISOString(),
    copies: i % 50 === 0 ? 2 : 3,
    wanted: 3,
  };
}

export const extra = () => [...many.values()];
export const extraCount = () => many.size;

const inOrder = new Map(); // what was asked for before

export function deleteExtra(name) {
  inOrder.clear();
  return many.delete(name);
}

const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
const keys = {
  name: byName,
  size: (a, b) => a.size - b.size || byName(a, b),
  modified: (a, b) => (a.modified < b.modified ? -1 : a.modified > b.modified ? 1 : byName(a, b)),
};

function sorted(sort, order) {
  const kind = `${sort} ${order}`;
  const compare = order === "desc" ? (a, b) => keys[sort](b, a) || byName(a, b) : keys[sort];
  if (!inOrder.has(kind)) inOrder.set(kind, extra().sort(compare));
  return {compare, list: inOrder.get(kind)};
}

// GET /files of these files and of the many.
export function page(own, parameters) {
  const limit = Math.min(1000, Number(parameters.get("limit") ?? 1000));
  const {compare, list} = sorted(parameters.get("sort") ?? "name", parameters.get("order") ?? "asc");
  const words = (parameters.get("search") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const prefix = parameters.get("prefix") ?? "";
  const wanted = ({name}) =>
    name.startsWith(prefix) && words.every((word) => name.toLowerCase().includes(word));
  const found = (words.length || prefix ? list.filter(wanted) : [...list])
    .concat(own.filter(wanted))
    .sort(compare);
  if (!parameters.has("sort")) {
    const after = parameters.get("after") ?? "";
    const rest = found.filter(({name}) => name > after);
    return {files: rest.slice(0, limit), next: rest[limit] ? rest[limit - 1].name : null};
  }
  const offset = Number(parameters.get("offset") ?? 0);
  return {files: found.slice(offset, offset + limit), next: null, total: found.length};
}
