// The folder with the page's packages (those for testing too), made from the lock file when it is
// not there. CHISME_PAGE_MODULES names another one.
import {spawnSync} from "node:child_process";
import {copyFileSync, existsSync, mkdirSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

export function modulesFolder() {
  const folder = process.env.CHISME_PAGE_MODULES ?? join(root, "build/page-tests");
  if (existsSync(join(folder, "node_modules/playwright-core"))) return folder;
  mkdirSync(folder, {recursive: true});
  for (const name of ["package.json", "package-lock.json"]) {
    copyFileSync(join(root, "web/page", name), join(folder, name));
  }
  run(folder, "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  run(folder, process.execPath, ["node_modules/esbuild/install.js"]);
  return folder;
}

function run(cwd, command, args) {
  const {status} = spawnSync(command, args, {cwd, stdio: ["ignore", "ignore", "inherit"]});
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
}
