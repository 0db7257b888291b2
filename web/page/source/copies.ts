import {host} from "./format";
import {t} from "./text";
import type {Cluster, StoredFile} from "./types";

// Why a file has fewer copies than wanted, as far as the cluster's state tells.
export function whyShort(file: StoredFile, cluster: Cluster | undefined): string {
  if (file.copies >= file.wanted) return "";
  const members = cluster?.members.filter(({state}) => state !== "left") ?? [];
  const up = members.filter(({state, draining}) => state === "alive" && !draining).length;
  const dead = members.filter(({state}) => state === "dead");
  if (file.copies === 0) return t("short_none");
  if (cluster && !cluster.in_touch) return t("short_out_of_touch");
  if (cluster && up < file.wanted) return t(up === 1 ? "short_one_node" : "short_few_nodes", up);
  if (dead.length === 1) return t("short_dead", host(dead[0]!.http));
  if (dead.length > 1) return t("short_dead_many", dead.length);
  return t("short_making");
}
