import {openSocket} from "./access/ask";
import type {Nodes} from "./nodes";
import type {ClusterMessage} from "./types";

// The live feed of /ws/cluster from whichever node answers: reconnects to the next one when the
// socket closes, does not open in time, or its node no longer answers /healthz. When none answered,
// it waits longer and longer between the rounds.

const openTimeout = 1500;
const quietBeforeCheck = 1500;
const answerTimeout = 1200;
const retryDelay = 300;
const firstPause = 1000;
const longestPause = 8000;

export interface FeedEvents {
  connected(origin: string): void;
  lost(origin: string): void;
  message(message: ClusterMessage): void;
  // None of these answered; they are tried again at `next` (as Date.now() tells time).
  nobody(tried: string[], next: number): void;
}

export class Feed {
  private socket: WebSocket | undefined;
  private origin = "";
  private heard = 0;
  private checking = false;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private pause = firstPause;
  private readonly silent = new Set<string>(); // in this round

  constructor(
    private readonly nodes: Nodes,
    private readonly events: FeedEvents,
  ) {
    setInterval(() => this.check(), 500);
  }

  connect(origin = this.nodes.best): void {
    this.close();
    this.origin = origin;
    const socket = openSocket(origin.replace(/^http/, "ws") + "/ws/cluster");
    this.socket = socket;
    this.heard = Date.now();
    const timer = setTimeout(() => this.leave(socket), openTimeout);
    socket.onopen = () => clearTimeout(timer);
    socket.onclose = () => {
      clearTimeout(timer);
      this.leave(socket);
    };
    let first = true;
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heard = Date.now();
      if (first) this.found(origin);
      first = false;
      this.events.message(JSON.parse(String(event.data)));
    };
  }

  // Hears nobody, and tries nobody, until it is to connect again.
  close(): void {
    const {socket} = this;
    this.socket = undefined;
    clearTimeout(this.waiting);
    this.waiting = undefined;
    socket?.close();
  }

  // Does not wait for the next round.
  tryNow(): void {
    if (this.waiting !== undefined) this.connect();
  }

  private found(origin: string): void {
    this.silent.clear();
    this.pause = firstPause;
    this.nodes.answered(origin);
    this.events.connected(origin);
  }

  private leave(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.socket = undefined;
    socket.close();
    this.events.lost(this.origin);
    this.nodes.silent(this.origin);
    this.silent.add(this.origin);
    this.waiting = setTimeout(() => this.connect(), this.delay());
  }

  private delay(): number {
    if (this.nodes.all.some((each) => !this.silent.has(each))) return retryDelay;
    const delay = this.pause;
    this.pause = Math.min(this.pause * 2, longestPause);
    this.events.nobody([...this.silent].sort(), Date.now() + delay);
    this.silent.clear();
    return delay;
  }

  // A hung node keeps its sockets open: only asking shows it.
  private async check(): Promise<void> {
    const socket = this.socket;
    if (!socket || socket.readyState !== WebSocket.OPEN || this.checking) return;
    if (Date.now() - this.heard < quietBeforeCheck) return;
    this.checking = true;
    const there = await this.nodes.answers(this.origin, answerTimeout);
    this.checking = false;
    if (there) this.heard = Date.now();
    else if (Date.now() - this.heard >= quietBeforeCheck) this.leave(socket);
  }
}
