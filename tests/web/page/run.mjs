// Looks at the size of the page, bundles its unit tests and runs them with node's own runner:
// node run.mjs [--modules DIR].
// DIR holds the page's node_modules, when they are somewhere already; without it types are checked too.
import {spawnSync} from "node:child_process";
import {mkdtempSync, readdirSync, rmSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {firstLoadFits} from "./first_load.mjs";
import {modulesFolder} from "./modules.mjs";
import {typesFit} from "./types.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const at = process.argv.indexOf("--modules");
const modules = at < 0 ? modulesFolder() : process.argv[at + 1];
const esbuild = createRequire(join(modules, "package.json"))("esbuild");

// The packages that the program is built with do not have the compiler: see the page in a browser.
const fit = at >= 0 || typesFit(modules);
const small = firstLoadFits(modules);
const tests = readdirSync(here).filter((name) => name.endsWith("_test.ts"));
const out = mkdtempSync(join(tmpdir(), "chisme-page-unit-"));
await esbuild.build({
  entryPoints: tests.map((name) => join(here, name)),
  bundle: true,
  platform: "node",
  format: "esm",
  banner: {js: 'import {createRequire} from "node:module"; const require = createRequire(import.meta.url);'},
  target: "node18",
  outdir: out,
  outExtension: {".js": ".mjs"},
  sourcemap: "inline",
  nodePaths: [join(modules, "node_modules")],
});
const built = tests.map((name) => join(out, name.replace(/\.ts$/, ".mjs")));
const {status} = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...built], {
  stdio: "inherit",
});
rmSync(out, {recursive: true, force: true});
process.exit(fit && small ? (status ?? 1) : 1);
