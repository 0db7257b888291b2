// The page, from end to end, in a real Chromium: node run.mjs [--fake] [--only a,b] [PROGRAM]
// PROGRAM, or CHISME, is the program; without either, build/release/chisme. --fake uses fake nodes and
// the page in CHISME_PAGE_ASSETS (build.mjs --out). CHISME_CHROMIUM names another browser,
// CHISME_SCREENSHOTS a folder to show the page in, CHISME_FILM a film to use or make.
// Prints figures; exits 1 when one is out of bounds.
import {mkdirSync, mkdtempSync, openSync, rmSync, statSync, existsSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {modulesFolder} from "../../web/page/modules.mjs";
import {launch} from "./lib/browser.mjs";
import {endClusters, startCluster, startFakes} from "./lib/cluster.mjs";
import {makeFilm} from "./lib/media.mjs";
import {scenes} from "./lib/scenes.mjs";
import {typesFit} from "../../web/page/types.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const options = process.argv.slice(2);
const fake = options.includes("--fake");
const only = value("--only")?.split(",");
const program =
  options.filter((each, i) => !each.startsWith("--") && options[i - 1] !== "--only")[0] ??
  process.env.CHISME ??
  join(root, "build/release/chisme");
const modules = modulesFolder();
const chromium = process.env.CHISME_CHROMIUM ?? "/usr/bin/chromium";
const wholeLimit = 22 * 60_000;
const filmSeconds = 90;

function value(name) {
  const at = options.indexOf(name);
  return at < 0 ? undefined : options[at + 1];
}

const rows = [];
function report(what, figure, bound, good) {
  rows.push({what, figure, bound, good});
  console.log(
    `${good ? "ok  " : "FAIL"}  ${what.padEnd(58)} ${String(figure).padStart(12)}  ${bound}`,
  );
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "chisme-page-"));
  const log = openSync(join(folder, "nodes.log"), "a");
  const shots = process.env.CHISME_SCREENSHOTS;
  if (shots) mkdirSync(shots, {recursive: true});
  const film = join(folder, "film.mp4");
  const given = process.env.CHISME_FILM;
  const size =
    given && existsSync(given) ? statSync(given).size : makeFilm(given ?? film, filmSeconds);
  const assets = process.env.CHISME_PAGE_ASSETS;
  const cluster = fake
    ? await startFakes({count: 5, folder, assets, modules, rate: 600_000, log})
    : await startCluster({program, count: 5, folder, log});
  const late = async (why) => {
    console.log(why);
    await endClusters();
    process.exit(1);
  };
  setTimeout(late, wholeLimit, `not done within ${wholeLimit} ms`).unref();
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => late(`ended by ${signal}`));
  const browser = await launch(modules, chromium);
  const context = {
    cluster,
    browser,
    browserPath: chromium,
    film: {path: given ?? film, size},
    folder,
    program,
    shots,
    report,
    fake,
  };
  report("the page's types", "", "", typesFit(modules));
  try {
    for (const [name, scene] of Object.entries(scenes)) {
      if (only && !only.includes(name) && name !== "store") continue;
      await scene(context).catch((failure) =>
        report(`${name}: ${failure.message.split("\n")[0]}`, "-", "", false),
      );
    }
  } finally {
    await browser.close();
    await endClusters();
  }
  const bad = rows.filter((row) => !row.good);
  const failed = bad.length > 0 || rows.length === 0;
  for (const {what, figure, bound} of bad) console.log(`out of bounds: ${what}: ${figure} ${bound}`);
  if (failed) console.log(`the nodes' data and logs: ${folder}`);
  else rmSync(folder, {recursive: true, force: true});
  console.log(`${rows.length - bad.length} passed, ${bad.length} failed`);
  process.exit(failed ? 1 : 0);
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
