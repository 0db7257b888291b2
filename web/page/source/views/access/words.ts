import {sentences} from "../../text";
import * as own from "../../text/access";
import * as common from "../../text/common";
import * as files from "../../text/files";

export const t = sentences({
  en: {...common.en, ...files.en, ...own.en},
  es: {...common.es, ...files.es, ...own.es},
});
