// Uploads a file with tus-js-client as its users would, going on at the next node when one fails:
// node tus_client.mjs FILE NAME ORIGIN… Prints a line of JSON for each PATCH and each chunk taken.
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {join} from "node:path";
import {modulesFolder} from "../web/page/modules.mjs";

const tus = createRequire(join(modulesFolder(), "package.json"))("tus-js-client");
const [path, name, ...origins] = process.argv.slice(2);
const say = (line) => console.log(JSON.stringify(line));
let at = 0;
let safe = 0;

const upload = new tus.Upload(readFileSync(path), {
  endpoint: origins[at] + "/uploads",
  chunkSize: 8 << 20,
  retryDelays: [100, 200, 500, 1000, 1000, 1000, 1000],
  metadata: {filename: name},
  onUploadUrlAvailable: () => (upload.options.endpoint = null),
  onBeforeRequest: (request) => {
    // Shown to a node that may not have heard of it yet.
    if (request.getMethod() === "HEAD") request.setHeader("Upload-Offset", String(safe));
    if (request.getMethod() !== "PATCH") return;
    say({patch: Number(request.getHeader("Upload-Offset")), node: origins[at]});
  },
  onChunkComplete: (_size, accepted) => say({accepted: (safe = accepted), node: origins[at]}),
  onShouldRetry: () => {
    at = (at + 1) % origins.length;
    if (upload.url) upload.url = origins[at] + new URL(upload.url).pathname;
    else upload.options.endpoint = origins[at] + "/uploads";
    return true;
  },
  onSuccess: () => say({done: upload.url}),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
});
upload.start();
