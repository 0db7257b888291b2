import type {PrefixQuota} from "./types";

export interface ShortQuota {
  prefix: string;
  toSend: number; // bytes
  left: number;
}

// The quotas into which what is still to be sent does not fit. Whether it takes the place of other
// files only the node knows.
export function shortQuotas(
  quotas: readonly PrefixQuota[],
  sending: readonly {name: string; bytes: number}[],
): ShortQuota[] {
  return quotas
    .map(({prefix, limit, used}) => {
      const under = sending.filter((each) => each.name.startsWith(prefix));
      const toSend = under.reduce((sum, each) => sum + each.bytes, 0);
      return {prefix, toSend, left: Math.max(0, limit - used)};
    })
    .filter((each) => each.toSend > each.left);
}
