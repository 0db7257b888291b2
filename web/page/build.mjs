// Bundles the page and writes it as C++: node build.mjs --out DIR [--cpp FILE].
// Run in a folder with node_modules; the sources are beside this file.
import {createHash} from "node:crypto";
import {mkdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {basename, dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {gzipSync} from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const modules = argument("--modules") ?? here; // the folder with node_modules
const out = argument("--out") ?? join(here, "../../build/page");
const esbuild = createRequire(join(modules, "package.json"))("esbuild");

const types = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};
const options = {
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome100", "firefox100", "safari15.4"],
  legalComments: "none",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  nodePaths: [join(modules, "node_modules")],
  absWorkingDir: here,
  logLevel: "warning",
  write: false,
};

const page = await bundlePage();
const worker = await bundleWorker(page);
const assets = [...page, worker].sort((a, b) => (a.path < b.path ? -1 : 1));
write(assets);
report(assets);

function argument(name) {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

function asset(path, body) {
  const ending = path === "/" ? "html" : path.split(".").pop();
  return {path, type: types[ending], body: Buffer.from(body)};
}

async function bundlePage() {
  const {outputFiles, metafile} = await esbuild.build({
    ...options,
    metafile: true,
    entryPoints: {page: "source/page.tsx", style: "source/style.css"},
    splitting: true,
    outdir: "/",
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
  });
  const made = outputFiles.map((file) => asset(file.path, file.contents));
  const named = (start) => made.find((each) => each.path.startsWith(start)).path;
  const parts = importedBy(named("/page-"), metafile);
  const html = readFileSync(join(here, "source/index.html"), "utf8")
    .replace("%SCRIPT%", named("/page-"))
    .replace("%PARTS%", parts.map((path) => `<link rel="modulepreload" href="${path}">\n`).join(""))
    .replace("%STYLE%", named("/style-"));
  const icon = readFileSync(join(here, "source/icon.svg"));
  return [asset("/", html), asset("/icon.svg", icon), ...made];
}

// The parts that a script cannot start without.
function importedBy(script, {outputs}) {
  const known = new Map(Object.entries(outputs).map(([path, output]) => ["/" + basename(path), output]));
  const found = new Set();
  const add = (path) => {
    for (const {path: part, kind} of known.get(path).imports) {
      const name = "/" + basename(part);
      if (kind !== "import-statement" || found.has(name)) continue;
      found.add(name);
      add(name);
    }
  };
  add(script);
  return [...found];
}

async function bundleWorker(shell) {
  const {outputFiles} = await esbuild.build({
    ...options,
    entryPoints: ["source/worker.ts"],
    outfile: "/worker.js",
    define: {
      SHELL: JSON.stringify(shell.map(({path}) => path)),
      BUILD: JSON.stringify(hash(Buffer.concat(shell.map(({body}) => body)))),
    },
  });
  return asset("/worker.js", outputFiles[0].contents);
}

function hash(body) {
  return createHash("sha256").update(body).digest("hex").slice(0, 16);
}

function write(list) {
  rmSync(out, {recursive: true, force: true});
  mkdirSync(out, {recursive: true});
  for (const {path, body} of list)
    writeFileSync(join(out, path === "/" ? "index.html" : path), body);
  const cpp = argument("--cpp");
  if (cpp) writeFileSync(cpp, source(list));
}

// Bytes as string literals: the quickest form for a compiler to read.
function source(list) {
  const entries = list.map(({path, type, body}) => {
    const packed = type === "image/svg+xml" ? Buffer.alloc(0) : gzipSync(body, {level: 9});
    const views = [view(Buffer.from(path)), view(Buffer.from(type)), view(body), view(packed)];
    return `    {${[...views, view(Buffer.from(`"${hash(body)}"`))].join(",\n     ")}},\n`;
  });
  return `#include "web/page/assets.hpp"

#pragma GCC diagnostic ignored "-Woverlength-strings"

namespace chisme::web {

namespace {

Asset const all[] = {
${entries.join("")}};

}  // namespace

std::span<Asset const> assets() { return all; }

}  // namespace chisme::web
`;
}

function view(bytes) {
  let text = "";
  for (const byte of bytes) {
    const plain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92 && byte !== 63;
    text += plain ? String.fromCharCode(byte) : "\\" + byte.toString(8).padStart(3, "0");
  }
  const lines = text.match(/(?:\\\d{3}|[^\\]){1,2000}/g) ?? [""];
  return `{${lines.map((line) => `"${line}"`).join("\n      ")}, ${bytes.length}}`;
}

function report(list) {
  for (const {path, body} of list) {
    console.log(`${path.padEnd(24)} ${String(body.length).padStart(8)} bytes`);
  }
  const html = String(list.find(({path}) => path === "/").body);
  const first = list.filter(({path}) => path === "/" || html.includes(`"${path}"`));
  const packed = first.reduce((sum, {body}) => sum + gzipSync(body).length, 0);
  console.log(`first load, gzip: ${packed} bytes`);
}
