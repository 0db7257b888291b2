import assert from "node:assert/strict";
import {test} from "node:test";
import * as parts from "../../../web/page/source/text/parts";

test("no two parts of the page have a sentence of one name", () => {
  const keys = Object.values(parts).flatMap((part) => Object.keys(part.en));
  const twice = keys.filter((key, at) => keys.indexOf(key) !== at);
  assert.deepEqual(twice, []);
});
