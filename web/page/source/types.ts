// What the nodes say (the JSON of /files, /cluster, /ws/cluster).

export interface StoredFile {
  name: string;
  size: number;
  type: string;
  sha256: string;
  version: string;
  modified: string;
  copies: number;
  wanted: number;
  expires?: string; // from then on it is absent
  incomplete?: true; // still being uploaded: told without sha256, version and wanted; copies: 0
}

export interface Member {
  node: string;
  http: string;
  state: "alive" | "suspect" | "dead" | "left";
  self: boolean;
  draining: boolean;
  in_flight: number;
  load: number;
  capacity: number;
  bytes_per_second: number;
  disk_used: number;
  health: number;
  copies: number;
}

export interface PrefixQuota {
  prefix: string;
  limit: number; // bytes that the files whose names begin so may have together
  used: number;
}

export interface Cluster {
  self: string;
  version: string;
  in_touch: boolean;
  copies_wanted: number;
  copies_durable: number;
  files: number;
  under_replicated: number;
  lost: number;
  repairs_pending: number;
  max_file_size?: number | null; // bytes
  trash_seconds?: number; // how long what is deleted can be restored; 0: not at all
  room?: number; // bytes that this node would still take
  prefix_quotas?: PrefixQuota[]; // a node of an earlier version tells none
  local?: true; // all nodes run on this machine, and may be killed and started from here
  fenced?: string; // why this node takes no writes until it is restarted
  members: Member[];
}

export type ClusterMessage = {at?: number} & ( // ms, by the clock of the node that tells it
  | {type: "state"; cluster: Cluster; files: StoredFile[]}
  | {type: "cluster"; cluster: Cluster}
  | {type: "file"; name: string; removed: boolean; file?: StoredFile}
  | {type: "member"; node: string; state: Member["state"]; http: string}
  | {type: "repair"; sha256: string; from?: string; target: string; stage: string}
  | {type: "lost"; sha256: string}
  | {type: "redirect"; file: string; from?: string; to: string}
  | {type: "departure"; files_left: number; leaves_anyway: boolean}
  | {type: "refused"; node: string; peer: string}
);

// RFC 9457.
export interface Problem {
  title?: string;
  status?: number;
  detail?: string;
}
