import assert from "node:assert/strict";
import {test} from "node:test";
import {duration} from "../../../web/page/source/format";
import {t} from "../../../web/page/source/text";
import * as access from "../../../web/page/source/text/access";
import * as parts from "../../../web/page/source/text/parts";

test("no two parts of the page have a sentence of one name", () => {
  const keys = Object.values(parts).flatMap((part) => Object.keys(part.en));
  const twice = keys.filter((key, at) => keys.indexOf(key) !== at);
  assert.deepEqual(twice, []);
});

test("the sentences of the dialogs say nothing twice that the page says otherwise", () => {
  const keys = [...Object.keys(parts.common.en), ...Object.keys(parts.files.en)];
  assert.deepEqual(Object.keys(access.en).filter((key) => keys.includes(key)), []);
});

test("no line ends between a number and its unit", () => {
  assert.equal(t("next_try", 5), "Next try in 5\u00a0s.");
  assert.equal(duration(600), "10\u00a0min");
  assert.equal(t("copies_ok", 3, 3), "3 of 3 copies: complete");
});
