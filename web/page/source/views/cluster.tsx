import {late} from "./late";

export const ClusterView = late("cluster", () => import("./cluster/panel"));
