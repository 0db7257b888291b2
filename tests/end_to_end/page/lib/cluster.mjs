// Starts a cluster of real nodes (`chisme up`) or of fake ones (tests/web/page/fake_node.mjs) and
// kills, hangs and restarts them. Ends only what it started.
import {spawn} from "node:child_process";
import {mkdirSync, readFileSync} from "node:fs";
import {createServer} from "node:net";
import {join} from "node:path";
import {createInterface} from "node:readline";

const startLimit = 30_000;
const running = new Set(); // clusters

// Ends those that scenes started too, and did not come to end.
export async function endClusters() {
  await Promise.all([...running].map((cluster) => cluster.end()));
}

function started(cluster) {
  running.add(cluster);
  const end = async () => {
    running.delete(cluster);
    await cluster.end();
  };
  return {...cluster, end};
}

export async function startCluster({program, count, folder, log, options = []}) {
  const base = await freePorts(count);
  const own = ["--nodes", count, "--base-port", base, "--data", join(folder, "data")];
  const args = ["up", ...own, "--host", "films.example", ...options].map(String);
  const child = spawn(program, args, {stdio: ["pipe", "pipe", log]});
  const nodes = new Map();
  let ready = false;
  createInterface({input: child.stdout}).on("line", (line) => {
    const match = /^node (\d+) (\S+) pid (\d+)/.exec(line);
    if (match)
      nodes.set(Number(match[1]), {
        number: Number(match[1]),
        url: match[2].replace(/\/$/, ""),
        pid: Number(match[3]),
      });
    if (line.trim() === "ready") ready = true;
  });
  const ended = new Promise((resolve) =>
    child.on("exit", (code, signal) => resolve(`${code ?? signal}`)),
  );
  let gone;
  ended.then((how) => (gone = how));
  const tell = (line) => child.stdin.write(line + "\n");
  const cluster = started({
    nodes: () => [...nodes.values()].sort((a, b) => a.number - b.number),
    kill: async (node) => {
      tell(`kill ${node.number}`);
      await until(5000, `node ${node.number} is gone`, () => !signal(node.pid, 0));
    },
    start: async (node) => {
      tell(`start ${node.number}`);
      await until(startLimit, `node ${node.number} answers again`, () => answers(node.url));
    },
    hang: async (node) => process.kill(node.pid, "SIGSTOP"),
    resume: async (node) => process.kill(node.pid, "SIGCONT"),
    end: async () => {
      for (const {pid} of nodes.values()) signal(pid, "SIGCONT");
      tell("quit");
      const timer = setTimeout(() => child.kill("SIGTERM"), 5000);
      const last = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
      clearTimeout(last);
    },
  });
  await until(startLimit, "`chisme up` says ready", () => {
    if (gone) throw new Final(`chisme up ended (${gone}): see its log`);
    return ready && nodes.size >= count;
  });
  return cluster;
}

export async function startFakes({count, folder, assets, modules, rate, log, more = {}}) {
  const base = await freePorts(count);
  const ports = Array.from({length: count}, (_, i) => base + i);
  const files = join(folder, "files");
  mkdirSync(files, {recursive: true});
  const script = new URL("../../../web/page/fake_node.mjs", import.meta.url).pathname;
  const nodes = ports.map((port, i) => ({number: i + 1, url: `http://127.0.0.1:${port}`, port}));
  const start = async (node) => {
    const env = {...process.env, ...more, FAKE_FILES: files, CHISME_PAGE_MODULES: modules};
    const args = [script, node.port, ports.join(","), assets, rate].map(String);
    node.child = spawn(process.execPath, args, {env, stdio: ["ignore", "ignore", log]});
    await until(startLimit, `node ${node.number} answers`, () => answers(node.url));
  };
  for (const node of nodes) await start(node);
  // A node may have been started again by another one: its file says who it is now.
  const pid = (node) => Number(readFileSync(join(files, `.pid-${node.port}`)));
  return started({
    nodes: () => nodes,
    kill: async (node) => signal(pid(node), "SIGKILL"),
    start,
    hang: async (node) => signal(pid(node), "SIGSTOP"),
    resume: async (node) => signal(pid(node), "SIGCONT"),
    end: async () => nodes.forEach((node) => signal(pid(node), "SIGKILL")),
  });
}

// What no waiting mends: `until` hands it on.
class Final extends Error {}

// Whatever the check throws, but `Final`, is an answer that is not true yet.
export async function until(limit, what, check) {
  const end = Date.now() + limit;
  for (;;) {
    let why;
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      if (error instanceof Final) throw error;
      why = error;
    }
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}${why ? ` (${why})` : ""}`, {cause: why});
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function answers(url) {
  try {
    return (await fetch(url + "/healthz", {signal: AbortSignal.timeout(500)})).ok;
  } catch {
    return false;
  }
}

// Whether the process was there.
function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

// The first of `count` ports in a row that are free, with their peer ports 1000 above.
async function freePorts(count) {
  for (let tries = 0; tries < 100; ++tries) {
    const base = 20_000 + Math.floor(Math.random() * 10_000);
    const wanted = Array.from({length: count}, (_, i) => [base + i, base + i + 1000]).flat();
    const free = await Promise.all(wanted.map(isFree));
    if (free.every(Boolean)) return base;
  }
  throw new Error("no free ports");
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
