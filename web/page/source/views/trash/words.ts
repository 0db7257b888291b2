import {sentences} from "../../text";
import * as shared from "../../text/common";
import * as own from "../../text/trash_view";

export const t = sentences({en: {...shared.en, ...own.en}, es: {...shared.es, ...own.es}});
