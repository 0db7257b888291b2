// A cluster that asks for tokens (`--access token`), and a look at where a page sends its token.
import {execFileSync} from "node:child_process";
import {appendFileSync, mkdtempSync, openSync, readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {modulesFolder} from "../../../web/page/modules.mjs";
import {startCluster, startFakes} from "./cluster.mjs";

// Nodes of their own, of which `put` stores files and `token` makes tokens.
export async function startGuarded(the, count, access = "token") {
  const folder = mkdtempSync(join(the.folder, "guarded-"));
  const log = openSync(join(folder, "nodes.log"), "a");
  const made = the.fake ? await fakes(count, folder, log, access) : await real(the, count, folder, log, access);
  const admin = made.token("admin");
  const bearer = {Authorization: `Bearer ${admin}`};
  return {
    ...the,
    folder,
    cluster: made.cluster,
    token: made.token,
    bearer,
    revoke: made.revoke,
    put: async (name, body) => {
      if (the.fake) return writeFileSync(join(folder, "files", encodeURIComponent(name)), body);
      const [node] = made.cluster.nodes();
      const address = `${node.url}/files/${encodeURIComponent(name)}`;
      const answer = await fetch(address, {method: "PUT", body, headers: bearer});
      if (!answer.ok) throw new Error(`PUT ${name}: ${answer.status} ${await answer.text()}`);
    },
  };
}

async function fakes(count, folder, log, access) {
  const assets = process.env.CHISME_PAGE_ASSETS;
  const own = {count, folder, assets, modules: modulesFolder(), rate: 600_000, log};
  return {
    cluster: await startFakes({...own, more: {FAKE_ACCESS: access}}),
    token: (role) => `chisme-token-${role}`,
    revoke: (token) => appendFileSync(join(folder, "files", ".revoked"), token + "\n"),
  };
}

async function real({program}, count, folder, log, access) {
  const secret = join(folder, "cluster.secret");
  const run = (args, {env = {}, input = ""} = {}) => {
    const options = {encoding: "utf8", env: {...process.env, ...env}, input, stdio: "pipe"};
    return execFileSync(program, args, options).trim();
  };
  run(["secret", "new", secret]);
  const options = ["--secret-file", secret, "--access", access];
  const cluster = await startCluster({program, count, folder, log, options});
  const token = (role, expires = "1h") =>
    run(["token", "new", "--secret-file", secret, "--role", role, "--expires", expires]);
  const admin = token("admin");
  return {
    cluster,
    token,
    revoke: (revoked) => {
      const [node] = cluster.nodes();
      const env = {CHISME_TOKEN: admin};
      run(["token", "revoke", "-", "--node", node.url], {env, input: revoked + "\n"});
    },
  };
}

// What the page's requests carried, and where: every request of the context, the worker's too.
export function watchTokens(context) {
  const seen = {bearing: [], without: [], inAddress: [], cookies: 0};
  context.on("request", async (request) => {
    const headers = await request.allHeaders().catch(() => request.headers());
    const url = request.url();
    (headers.authorization ? seen.bearing : seen.without).push(url);
    if (/chisme-token-/.test(decodeURIComponent(url))) seen.inAddress.push(url);
    if (headers.cookie) seen.cookies += 1;
  });
  return seen;
}

export const logsOf = ({folder}) => readFileSync(join(folder, "nodes.log"), "utf8");
