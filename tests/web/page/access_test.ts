import assert from "node:assert/strict";
import {createServer, type IncomingHttpHeaders} from "node:http";
import type {AddressInfo} from "node:net";
import {afterEach, beforeEach, test} from "node:test";
import {expiryOf} from "../../../web/page/source/access/expiry";
import {Shares} from "../../../web/page/source/access/shares";
import {carriedBy, tokenIn, Tokens} from "../../../web/page/source/access/token";
import type {Nodes} from "../../../web/page/source/nodes";

// What asks is made with the page's own address.
const home = "http://127.0.0.1:7701";
Object.assign(globalThis, {location: {origin: home}});
const {ask, doubts, openSocket, tokens} = await import("../../../web/page/source/access/ask");
const rights = await import("../../../web/page/source/access/rights");
const {problemOf, Nodes: MadeNodes} = await import("../../../web/page/source/nodes");

const token = "chisme-token-AbC_1.2~3-4";
const other = "chisme-token-other";

function shelf() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

function shelves() {
  const [tab, machine] = [shelf(), shelf()];
  return {tab, machine, open: () => new Tokens(home, tab, machine)};
}

test("a token is kept for the tab, and on the machine only when that was asked for", () => {
  const {tab, machine, open} = shelves();
  open().keep(token, false);
  assert.equal(open().for(home + "/files"), token);
  assert.deepEqual([tab.kept.size, machine.kept.size, open().onMachine], [1, 0, false]);
  open().keep(token, true);
  assert.deepEqual([tab.kept.size, machine.kept.size, open().onMachine], [0, 1, true]);
  assert.equal(new Tokens(home, shelf(), machine).for(home), token, "another tab has it too");
});

test("a forgotten token is nowhere", () => {
  const {tab, machine, open} = shelves();
  open().keep(token, true);
  open().keepForTab(other);
  assert.equal(open().for(home), other);
  open().forget();
  assert.deepEqual([tab.kept.size, machine.kept.size, open().held], [0, 0, false]);
});

test("what another tab forgets or keeps on the machine is known when it is looked at again", () => {
  const {open} = shelves();
  const [one, two] = [open(), open()];
  one.keep(token, true);
  two.load();
  assert.equal(two.for(home), token);
  one.forget();
  two.load();
  assert.equal(two.held, false);
});

test("a link's token is the tab's: the one on the machine outlasts it", () => {
  const {tab, open} = shelves();
  open().keep(token, true);
  open().keepForTab(other);
  tab.kept.clear(); // the tab is closed
  assert.equal(open().for(home), token);
});

test("a store that cannot be written to, or holds nonsense, is none", () => {
  const full = {
    getItem: () => "{",
    setItem: () => assert.fail("full"),
    removeItem: () => assert.fail("full"),
  };
  const kept = new Tokens(home, full, full);
  assert.equal(kept.held, false);
  kept.keep(token, true);
  assert.equal(kept.for(home), token);
  kept.forget();
  assert.equal(kept.for(home), undefined);
  for (const nonsense of ["7", "[]", '{"token":7}', '{"token":"x y","nodes":[]}', '{"token":"chisme-token-a"}']) {
    const tab = shelf();
    tab.setItem("chisme.token", nonsense);
    assert.equal(new Tokens(home, tab).held, false, nonsense);
  }
});

test("a token goes to the page's own node and to those that it names, and to nobody else", () => {
  const {open} = shelves();
  const kept = open();
  kept.keep(token, false);
  kept.trust(home, ["http://127.0.0.1:7702", "https://node.example"]);
  for (const url of [
    home,
    home + "/files/a?b#c",
    "ws://127.0.0.1:7701/ws/read",
    "ws://127.0.0.1:7702/ws/cluster",
    "wss://node.example/ws/read",
    "https://node.example:443/",
  ]) {
    assert.equal(kept.for(url), token, url);
  }
  for (const url of [
    "http://127.0.0.1:7703/",
    "http://127.0.0.1/",
    "https://127.0.0.1:7701/",
    "http://node.example/",
    "ws://node.example/",
    "https://node.example.evil.example/",
    "http://127.0.0.1:7701@evil.example/",
    "//evil.example/",
    "/files",
    "blob:http://127.0.0.1:7701/1",
    "javascript:alert(1)",
    "",
  ]) {
    assert.equal(kept.for(url), undefined, url);
  }
  assert.equal(open().for("http://127.0.0.1:7702"), token, "also after a reload");
});

test("a stranger's word makes nobody a node", () => {
  const {open} = shelves();
  const kept = open();
  kept.trust(home, ["http://evil.example"]);
  kept.keep(token, false);
  assert.equal(kept.for("http://evil.example"), undefined, "named before there was a token");
  kept.trust("http://evil.example", ["http://evil.example"]);
  assert.equal(kept.for("http://evil.example"), undefined);
  kept.trust(home, ["http://b"]);
  kept.trust("http://b", ["http://c"]);
  assert.equal(kept.for("http://c"), token);
  assert.equal(kept.for("http://b"), undefined, "who left the cluster is a stranger");
});

test("so many nodes and no more are kept, and what is no address is none", () => {
  const {open} = shelves();
  const kept = open();
  kept.keep(token, false);
  const many = Array.from({length: 100}, (_, i) => `http://n${i}`);
  kept.trust(home, ["data:text/plain,x", "nonsense", ...many]);
  assert.equal(kept.nodes.length, 1 + 64);
  assert.equal(kept.for("data:text/plain,x"), undefined);
});

test("a refused token is shown to nobody, but is still there when the page is loaded again", () => {
  const {open} = shelves();
  const kept = open();
  kept.keep(token, true);
  kept.putAside();
  assert.deepEqual([kept.held, kept.for(home)], [true, undefined]);
  assert.equal(open().for(home), token);
});

test("what is pasted is a token, or a link that carries one", () => {
  assert.equal(tokenIn(`  ${token}\n`), token);
  assert.equal(tokenIn(`http://127.0.0.1:7701/#token=${token}`), token);
  for (const text of ["", "chisme-token-", "chisme-secret-00ff", `${token} x`, `x${token}`, "chisme-token-a,b", `chisme-token-${"a".repeat(2000)}`]) {
    assert.equal(tokenIn(text), undefined, text);
  }
});

test("an address may carry a token behind its #, right or wrong", () => {
  assert.deepEqual(carriedBy(`#token=${token}`), {token});
  assert.deepEqual(carriedBy("#token=<b>"), {token: undefined});
  assert.equal(carriedBy("#cluster/token=x"), undefined);
});

// What is sent, in place of a network.
interface Sent {
  url: string;
  headers: Record<string, string>;
}
let sent: Sent[] = [];
let answer: (url: string, headers: Record<string, string>) => Response = () => new Response("{}");
const networks = {fetch: globalThis.fetch, WebSocket: globalThis.WebSocket};

beforeEach(() => {
  sent = [];
  tokens.forget();
  globalThis.fetch = (async (url: string, options: {headers?: Record<string, string>} = {}) => {
    const headers = options.headers ?? {};
    sent.push({url, headers});
    const response = answer(url, headers);
    Object.defineProperty(response, "url", {value: url});
    return response;
  }) as typeof fetch;
});
afterEach(() => Object.assign(globalThis, networks));

test("a request to a node bears the token beside its own headers, one to a stranger does not", async () => {
  tokens.keep(token, false);
  await ask(home + "/files", {headers: {"If-Match": "1"}});
  await ask("http://evil.example/files", {headers: {"If-Match": "1"}});
  assert.deepEqual(sent[0]!.headers, {"If-Match": "1", Authorization: `Bearer ${token}`});
  assert.deepEqual(sent[1]!.headers, {"If-Match": "1"});
  tokens.forget();
  await ask(home + "/files");
  assert.deepEqual(sent[2]!.headers, {});
});

test("whichever node answers first: only those of the cluster see the token", async () => {
  tokens.keep(token, false);
  tokens.trust(home, ["http://b"]);
  const nodes = new MadeNodes(home);
  nodes.learn(["http://stranger", "http://b"]);
  answer = (url) => new Response("{}", {status: url.startsWith("http://b") ? 200 : 503});
  await nodes.fetchAny("/files");
  const seen = sent.map(({url, headers}) => [new URL(url).origin, headers.Authorization]);
  assert.deepEqual(seen, [
    [home, `Bearer ${token}`],
    ["http://stranger", undefined],
    ["http://b", `Bearer ${token}`],
  ]);
});

test("a WebSocket to a node offers the token as a subprotocol, one to a stranger nothing", () => {
  const opened: unknown[][] = [];
  globalThis.WebSocket = class {
    constructor(...given: unknown[]) {
      opened.push(given);
    }
  } as unknown as typeof WebSocket;
  openSocket("ws://127.0.0.1:7701/ws/read");
  tokens.keep(token, false);
  openSocket("ws://127.0.0.1:7701/ws/read");
  openSocket("ws://evil.example/ws/read");
  assert.deepEqual(opened, [
    ["ws://127.0.0.1:7701/ws/read"],
    ["ws://127.0.0.1:7701/ws/read", ["chisme", `chisme.bearer.${token}`]],
    ["ws://evil.example/ws/read"],
  ]);
});

test("a refusal raises a doubt, which the look at /access itself does not", async () => {
  answer = () => new Response("", {status: 401});
  const before = doubts.value;
  await ask(home + "/access");
  assert.equal(doubts.value, before);
  await ask(home + "/files");
  assert.equal(doubts.value, before + 1);
});

const says = (access: string, role: string, expires: string | null = null) => () =>
  new Response(JSON.stringify({access, role, expires, shares: true}));

// A node that knows one token.
const knows = (good: string, role: string) => (_: string, headers: Record<string, string>) =>
  says("token", headers.Authorization === `Bearer ${good}` ? role : "none")();

const made = (): Nodes => new MadeNodes(home);

test("what the page may do is what the node says; without access of its own, all", async () => {
  const can = () => (["read", "write", "admin"] as const).filter((each) => rights.may(each));
  answer = () => new Response("", {status: 404});
  await rights.look(made());
  assert.deepEqual([can(), rights.readingIsGuarded.value], [["read", "write", "admin"], false]);
  answer = says("read", "none");
  await rights.look(made());
  assert.deepEqual([can(), rights.readingIsGuarded.value], [["read"], false]);
  answer = says("token", "write");
  await rights.look(made());
  assert.deepEqual([can(), rights.readingIsGuarded.value], [["read", "write"], true]);
  answer = says("token", "none");
  await rights.look(made());
  assert.deepEqual(can(), []);
});

test("a token is taken when a node accepts it, else nothing is kept of it", async () => {
  answer = knows(token, "write");
  assert.equal(await rights.give(other, true, made()), "refused");
  assert.deepEqual([tokens.held, rights.held.value], [false, false]);
  assert.equal(await rights.give(token, false, made()), "taken");
  assert.deepEqual([tokens.for(home), rights.role.value, rights.held.value], [token, "write", true]);
  assert.equal(await rights.give(other, false, made()), "refused");
  assert.equal(tokens.for(home), token, "the one that was there stays");
  await rights.forget(made());
  assert.deepEqual([tokens.held, rights.role.value], [false, "none"]);
});

test("a token is tried at nobody who may not see it, whoever else answers", async () => {
  answer = (url) => (url.startsWith(home) ? new Response("", {status: 503}) : says("open", "admin")());
  const nodes = made();
  nodes.learn(["http://stranger"]);
  assert.equal(await rights.give(token, false, nodes), "silent");
  assert.deepEqual([...new Set(sent.map(({url}) => new URL(url).origin))], [home]);
});

for (const [how, refusal] of [
  ["role none", says("token", "none")],
  ["401", () => new Response("{}", {status: 401})],
] as const) {
  test(`a token that expired or was revoked is put aside and told of (${how})`, async () => {
    answer = knows(token, "admin");
    await rights.give(token, false, made());
    answer = refusal;
    await rights.look(made());
    assert.deepEqual([rights.role.value, rights.refused.value], ["none", true]);
    assert.deepEqual([tokens.held, tokens.for(home)], [true, undefined]);
    answer = knows(other, "read");
    assert.equal(await rights.give(other, false, made()), "taken");
    assert.deepEqual([rights.role.value, rights.refused.value], ["read", false]);
  });
}

test("with a token that is not valid, the page may do what it may without one", async () => {
  const reading = (_: string, headers: Record<string, string>) =>
    headers.Authorization ? new Response("{}", {status: 401}) : says("read", "none")();
  tokens.keep(token, false);
  rights.refused.value = false;
  answer = reading;
  await rights.look(made());
  assert.deepEqual([rights.role.value, rights.refused.value], ["read", true]);
});

test("a node that cannot tell now changes nothing, and neither does a stranger", async () => {
  answer = knows(token, "admin");
  await rights.give(token, false, made());
  answer = () => new Response("{}", {status: 429});
  await rights.look(made());
  assert.equal(rights.role.value, "admin");
  const nodes = made();
  nodes.learn(["http://stranger"]);
  nodes.answered("http://stranger");
  answer = says("token", "none");
  await rights.look(nodes);
  assert.deepEqual([rights.role.value, rights.refused.value], ["admin", false]);
});

test("refusals say what to do", async () => {
  answer = says("token", "read");
  await rights.look(made());
  const detail = '{"detail":"d"}';
  assert.match(problemOf(401, detail).message, /needs a valid token. Give one/);
  assert.match(problemOf(403, detail).message, /does not allow this. Ask who runs the cluster/);
  answer = says("open", "admin");
  await rights.look(made());
  assert.equal(problemOf(403, detail).message, "d");
});

test("of share links it is known which were made here, as long as they open, and 200 of them", () => {
  const kept = shelf();
  let now = Date.UTC(2026, 0, 1);
  const shares = new Shares(kept, () => now);
  const at = (hours: number) => new Date(Date.UTC(2026, 0, 1) + hours * 3_600_000).toISOString();
  const link = {id: "1", name: "a", expires: at(2), url: "/files/a?share=SECRET"};
  shares.add(link);
  shares.add({id: "2", name: "b", expires: at(1)});
  assert.deepEqual(shares.of("a"), [{id: "1", name: "a", expires: at(2)}]);
  assert.doesNotMatch([...kept.kept.values()].join(), /SECRET/);
  shares.remove("1");
  assert.deepEqual(shares.of("a"), []);
  now += 3_600_000;
  assert.deepEqual(shares.of("b"), [], "it is over");
  for (let i = 0; i < 250; ++i) shares.add({id: `x${i}`, name: "c", expires: at(10 + i)});
  const left = shares.of("c").map(({id}) => id);
  assert.deepEqual([left.length, left[0], left.at(-1)], [200, "x50", "x249"]);
});

test("nonsense in the list of share links is no link", () => {
  for (const nonsense of ["{", "7", '[null,7,{"id":1},{"id":"a","expires":"x"}]']) {
    const kept = shelf();
    kept.setItem("chisme.shares", nonsense);
    assert.deepEqual(new Shares(kept).of("a"), [], nonsense);
  }
});

test("a share link opens for a time that the nodes take", () => {
  const now = Date.parse("2026-11-27T12:00:00");
  assert.equal(expiryOf("week", "", now), 604_800);
  assert.equal(expiryOf("custom", "2026-11-27T12:30", now), 1800);
  for (const until of ["", "2026-11-27T12:00", "2026-11-27T12:00:59", "2025-01-01T00:00", "2027-11-28T00:00", "x"]) {
    assert.equal(expiryOf("custom", until, now), undefined, until);
  }
});

test("an upload bears the token to the nodes of the cluster, and to nobody else", async () => {
  globalThis.fetch = networks.fetch;
  const {Transfer} = await import("../../../web/page/source/transfer");
  const upload = async (trusted: boolean) => {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers);
      request.resume().on("end", () => {
        const headers = {Location: "/uploads/1", "Upload-Offset": "3", "Tus-Resumable": "1.0.0"};
        response.writeHead(201, headers).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    tokens.keep(token, false);
    tokens.trust(home, trusted ? [origin] : []);
    const file = Object.assign(Buffer.from("abc"), {size: 3, type: "", lastModified: 1});
    await new Promise<void>((resolve, reject) => {
      const nothing = () => undefined;
      const failed = (sentence: string) => reject(new Error(sentence));
      const listener = {sent: nothing, moved: nothing, refused: nothing, stored: resolve, failed};
      new Transfer({file: file as unknown as File, name: "a"}, new MadeNodes(origin), listener).start();
    }).finally(() => server.close());
    server.closeAllConnections();
    return seen.map(({authorization}) => authorization);
  };
  assert.deepEqual(await upload(true), [`Bearer ${token}`]);
  assert.deepEqual(await upload(false), [undefined]);
});
