// One file of sentences for each part of the page.
export * as common from "./common";
export * as uploads from "./uploads";
export * as files from "./files";
export * as player from "./player";
export * as cluster from "./cluster";
