// Whether the page as it is built comes quickly, and from nowhere but its node; it prints what is not so.
import {spawnSync} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {gzipSync} from "node:zlib";

const build = join(dirname(fileURLToPath(import.meta.url)), "../../../web/page/build.mjs");
const bytesMost = 60_000; // of the document and all that it names, packed

export function firstLoadFits(modules) {
  const out = mkdtempSync(join(tmpdir(), "chisme-page-built-"));
  try {
    const {status, stderr} = spawnSync(process.execPath, [build, "--modules", modules, "--out", out]);
    if (status !== 0) throw new Error(`the page is not built: ${stderr}`);
    const html = readFileSync(join(out, "index.html"), "utf8");
    const named = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    const foreign = named.filter((address) => !/^\/[^/]/.test(address));
    const parts = named.filter((address) => /\.(js|css|svg)$/.test(address) && !foreign.includes(address));
    const bodies = [html, ...parts.map((path) => readFileSync(join(out, path)))];
    const packed = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
    const small = packed <= bytesMost && parts.length > 2;
    console.log(`first load: ${packed} of ${bytesMost} bytes in ${bodies.length} parts`);
    if (!small) console.error("the first load is too large, or lacks its parts");
    if (foreign.length > 0) console.error(`the page names other hosts: ${foreign.join(", ")}`);
    return small && foreign.length === 0;
  } finally {
    rmSync(out, {recursive: true, force: true});
  }
}
