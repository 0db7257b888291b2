// Whether the page is accessible, as far as axe-core can tell.
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {join} from "node:path";
import {modulesFolder} from "../../../web/page/modules.mjs";

// What axe finds in the parts of the page that are tried here.
export async function audit(the, page, when) {
  const axe = createRequire(join(modulesFolder(), "package.json")).resolve("axe-core/axe.min.js");
  await page.evaluate(readFileSync(axe, "utf8"));
  const found = await page.evaluate(async () => {
    const parts = [".library", ".add", ".outage", ".trash", "dialog"].filter((each) => document.querySelector(each));
    const {violations} = await globalThis.axe.run({include: parts.map((each) => [each])});
    return violations.map(({id, nodes}) => `${id} ${nodes[0].html.slice(0, 120)}`);
  });
  the.report(`accessible: ${when}`, found[0] ?? "yes", "", found.length === 0);
}
