import {computed} from "@preact/signals";
import {shortNames} from "../../cluster/ring";
import {host} from "../../format";
import {cluster} from "../../state";
import type {Member} from "../../types";

export const members = computed(() =>
  [...(cluster.value?.members ?? [])].sort((a, b) =>
    a.http.localeCompare(b.http, "en", {numeric: true}),
  ),
);

export const names = computed(() => {
  const short = shortNames(members.value.map((each) => host(each.http)));
  return new Map(members.value.map((each, i) => [each.node, short[i]!]));
});

// What a full ring or bar stands for: a node that does nothing has a load of about 1.
export const fullLoad = computed(() => Math.max(4, ...members.value.map((each) => each.load)));

export type Standing = Member["state"] | "draining";

export function standing({state, draining}: Member): Standing {
  return draining && state === "alive" ? "draining" : state;
}

// Shape and word say the state; colour only repeats it.
export const marks: Record<Standing, string> = {
  alive: "●",
  draining: "➜",
  suspect: "◐",
  dead: "✕",
  left: "○",
};
