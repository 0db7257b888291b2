// The folder with the page's packages (those for testing too), made from the lock file when it is
// not there, or was made from another one. CHISME_PAGE_MODULES names another folder.
import {spawnSync} from "node:child_process";
import {copyFileSync, existsSync, mkdirSync, readFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

export function modulesFolder() {
  const given = process.env.CHISME_PAGE_MODULES;
  const folder = given ?? join(root, "build/page-tests");
  const there = existsSync(join(folder, "node_modules/playwright-core"));
  if (there && (given || isCurrent(folder))) return folder;
  mkdirSync(folder, {recursive: true});
  for (const name of ["package.json", "package-lock.json"]) {
    copyFileSync(join(root, "web/page", name), join(folder, name));
  }
  run(folder, "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  run(folder, process.execPath, ["node_modules/esbuild/install.js"]);
  return folder;
}

function isCurrent(folder) {
  const [mine, theirs] = [folder, join(root, "web/page")].map((each) =>
    readFileSync(join(each, "package-lock.json"), "utf8"),
  );
  return mine === theirs;
}

function run(cwd, command, args) {
  const {status} = spawnSync(command, args, {cwd, stdio: ["ignore", "ignore", "inherit"]});
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
}
