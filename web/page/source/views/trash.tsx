import {late} from "./late";

export const TrashView = late("trash", () => import("./trash/panel"));
