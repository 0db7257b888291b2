// What a fake node says of the others: alive, suspect, dead; copies that are made again after a
// death; and the routes that kill, start and stop nodes of a cluster on one machine.
import {spawn} from "node:child_process";
import {readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";

const missesUntilDead = 3;
const repairDelay = 2500; // ms after the death
const repairEvery = 600; // ms for each file

export class FakeMembers {
  #missed = new Map();
  #died = 0;
  #leaving = new Set();

  constructor({port, all, folder, origin, id}) {
    Object.assign(this, {port, all, folder, origin, id, tell: () => undefined, files: 0});
    writeFileSync(this.#pidFile(port), String(process.pid));
    setInterval(() => this.#probe(), 500);
  }

  state(port) {
    if (this.#leaving.has(port)) return "left";
    const missed = this.#missed.get(port) ?? 0;
    return missed === 0 ? "alive" : missed < missesUntilDead ? "suspect" : "dead";
  }

  // Files with a copy too few: all of them after a death, then one less after another.
  missing(files) {
    this.files = files;
    if (this.#died === 0) return 0;
    const since = Date.now() - this.#died - repairDelay;
    return Math.max(0, files - Math.max(0, Math.floor(since / repairEvery)));
  }

  repairing(files) {
    return Date.now() - this.#died > repairDelay ? Math.min(2, this.missing(files)) : 0;
  }

  async #probe() {
    for (const port of this.all) {
      const before = this.state(port);
      const there = port === this.port || (await answers(this.origin(port)));
      this.#missed.set(port, there ? 0 : (this.#missed.get(port) ?? 0) + 1);
      const after = this.state(port);
      if (after !== before) this.#became(port, after);
    }
    if (this.repairing(this.files) > 0) this.#repair();
  }

  #became(port, state) {
    if (state === "dead") this.#died = Date.now();
    this.tell({type: "member", node: this.id(port), state, http: this.origin(port)});
  }

  #repair() {
    const others = this.all.filter((each) => each !== this.port && this.state(each) === "alive");
    if (others.length === 0) return;
    const target = this.id(others[Math.floor(Math.random() * others.length)]);
    for (const stage of ["started", "finished"]) {
      const from = this.id(this.port);
      this.tell({type: "repair", at: Date.now(), sha256: "0".repeat(64), from, target, stage});
    }
  }

  // POST /cluster/local/DEED?http=URL: the status and what it says.
  operate(deed, http) {
    const port = this.all.find((each) => this.origin(each) === http);
    if (!port) return [404, "No node of this machine has that address."];
    if (deed === "start") return this.#start(port);
    const signals = {kill: "SIGKILL", stop: "SIGSTOP", cont: "SIGCONT"};
    if (!signals[deed]) return [404, "There is no such route."];
    try {
      process.kill(Number(readFileSync(this.#pidFile(port))), signals[deed]);
      return [204];
    } catch {
      return [409, "That node does not run."];
    }
  }

  #start(port) {
    if (this.state(port) === "alive") return [409, "That node runs already."];
    const [program, script, , ...rest] = process.argv;
    spawn(program, [script, String(port), ...rest], {stdio: "ignore", detached: true}).unref();
    return [204];
  }

  #pidFile(port) {
    return join(this.folder, `.pid-${port}`);
  }
}

async function answers(origin) {
  try {
    await fetch(origin + "/healthz", {signal: AbortSignal.timeout(1000)});
    return true;
  } catch {
    return false;
  }
}
