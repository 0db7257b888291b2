// Whether the compiler finds the page's types right; it prints what it does not.
import {spawnSync} from "node:child_process";
import {cpSync, rmSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const page = join(dirname(fileURLToPath(import.meta.url)), "../../../web/page");

// Packages are found beside the sources, so these are checked where the packages are.
export function typesFit(modules) {
  for (const name of ["source", "tsconfig.json"]) {
    rmSync(join(modules, name), {recursive: true, force: true});
    cpSync(join(page, name), join(modules, name), {recursive: true});
  }
  const compiler = join(modules, "node_modules/typescript/bin/tsc");
  const {status} = spawnSync(process.execPath, [compiler, "-p", join(modules, "tsconfig.json")], {
    stdio: "inherit",
  });
  return status === 0;
}

