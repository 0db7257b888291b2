import {counting, sentences} from "../../text";
import * as shared from "../../text/cluster";
import * as own from "../../text/cluster_view";

export const t = sentences({en: {...shared.en, ...own.en}, es: {...shared.es, ...own.es}});
export const counted = counting(t);
export type Word = Parameters<typeof t>[0];
