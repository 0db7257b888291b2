import {signal} from "@preact/signals";
import {readingIsGuarded} from "../access/rights";
import {filePath} from "../format";
import {ticketFor} from "../link";
import {nodes} from "../state";
import type {StoredFile} from "../types";
import {startOf, uploadOf} from "./arriving";
import {BlockPool, type Holder, type SwitchReason} from "./block_pool";
import {indexFirst, isScattered} from "./boxes";
import type {Switch} from "./marks";
import {mediaType} from "./media_type";
import {serve, workerReady} from "./stream_player";
import {browserSurroundings} from "./surroundings";

// One file being played: chooses the way, tells who serves.

export type Way = "sw" | "mse" | "plain";

const aheadSeconds = 20;
const answerLimit = 1000; // ms
const startBytes = 64 * 1024;
const mebibyte = 1024 * 1024;
export class Playback {
  readonly serving = signal<Holder | undefined>(undefined);
  readonly switches = signal<readonly Switch[]>([]);
  readonly way = signal<Way | undefined>(undefined);
  readonly problem = signal<string | undefined>(undefined);
  readonly atEndOnly = signal(false); // it is still being uploaded and cannot be played before its end
  readonly givenUp = signal(false); // its upload ended early
  readonly received = signal(0);
  readonly plainOrigin = signal("");

  private readonly pool: BlockPool;
  private readonly stops: (() => void)[] = [];
  private watching: ReturnType<typeof setInterval> | undefined;
  private ended = false;
  private rescues = 0;
  private readonly type: string;
  private stopMediaSource: (() => void) | undefined;

  constructor(
    readonly file: StoredFile,
    private readonly video: HTMLMediaElement,
    private readonly forced: Way | undefined,
  ) {
    this.type = mediaType(file) ?? file.type;
    this.pool = new BlockPool(file, browserSurroundings(nodes, file.name), {
      onServing: (holder, reason) => this.servedBy(holder, reason),
      onBytes: (_, count) => (this.received.value += count),
    });
  }

  async start(): Promise<void> {
    const way = this.file.incomplete ? "plain" : (this.forced ?? (await this.choose()));
    if (way === "sw") await workerReady(); // when it was asked for, too
    if (this.ended) return;
    this.way.value = way;
    this.video.addEventListener("error", this.mediaFailed);
    this.stops.push(() => this.video.removeEventListener("error", this.mediaFailed));
    if (way === "sw") this.throughWorker();
    else if (way === "mse") await this.throughMediaSource();
    else this.plainFrom(nodes.best);
    if (this.ended) return;
    if (this.file.incomplete) void this.lookAtStart();
    this.video.play().catch(() => undefined); // the browser wants a click first: the controls are there
  }

  end(): void {
    this.ended = true;
    for (const stop of this.stops) stop();
    this.video.removeAttribute("src");
    this.video.load();
    this.pool.close();
  }

  private async choose(): Promise<Way> {
    const kind = "MediaSource" in globalThis && /\/(mp4|webm|mpeg)$/.exec(this.type)?.[1];
    if (!(await workerReady())) return kind ? "mse" : "plain";
    return kind === "mp4" && (await this.scattered()) ? "mse" : "sw";
  }

  // A media element would read all of such a film before it plays (20 of 24 MB were measured).
  private async scattered(): Promise<boolean> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), answerLimit);
    try {
      return isScattered(await this.pool.read(0, startBytes, stop.signal));
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  private throughWorker(): void {
    const {url, end} = serve(this.pool, this.type, () => this.aheadBytes());
    this.stops.push(end);
    this.video.src = url;
  }

  private async throughMediaSource(): Promise<void> {
    try {
      const {MediaSourcePlayer} = await import("./media_source_player");
      if (this.ended) return;
      const failed = (problem: Error) => this.afterMediaSource(problem);
      const player = new MediaSourcePlayer(this.pool, this.video, failed);
      this.stopMediaSource = () => player.stop();
      this.stops.push(this.stopMediaSource);
      player.start();
    } catch (problem) {
      this.afterMediaSource(problem as Error);
    }
  }

  // What MediaSource does not play is played the next way, from the same position.
  private afterMediaSource(problem: Error): void {
    if (this.ended || this.way.value !== "mse") return;
    this.stopMediaSource?.();
    if (this.forced) {
      this.problem.value = problem.message;
      return;
    }
    const at = this.video.currentTime;
    if (navigator.serviceWorker?.controller) {
      this.way.value = "sw";
      this.throughWorker();
      if (at > 0) this.video.currentTime = at;
    } else {
      this.way.value = "plain";
      this.pool.close();
      this.serving.value = undefined;
      this.plainFrom(nodes.best);
    }
    this.video.play().catch(() => undefined);
  }

  // The node relays from whichever holder answers; when the node itself is gone, another one does.
  private plainFrom(origin: string): void {
    this.plainOrigin.value = origin;
    if (readingIsGuarded.value) void this.plainWithTicket(origin);
    else this.plainAt(origin);
    if (this.watching) return;
    this.watching = setInterval(() => void this.watchPlain(), answerLimit);
    this.stops.push(() => clearInterval(this.watching));
  }

  private plainAt(origin: string, ticket = ""): void {
    const {video} = this;
    const at = video.currentTime;
    video.src = origin + filePath(this.file.name) + "?via=proxy" + ticket;
    if (at > 0) video.currentTime = at;
  }

  private async plainWithTicket(origin: string): Promise<void> {
    try {
      const ticket = await ticketFor(this.file.name);
      if (this.ended || origin !== this.plainOrigin.value) return;
      this.plainAt(origin, ticket);
      this.video.play().catch(() => undefined);
    } catch (problem) {
      this.problem.value = (problem as Error).message;
    }
  }

  private async lookAtStart(): Promise<void> {
    const start = await startOf(this.plainOrigin.value, this.file.name).catch(() => undefined);
    if (start && !this.ended) this.atEndOnly.value = indexFirst(start) === false;
  }

  private async watchPlain(): Promise<void> {
    const origin = this.plainOrigin.value;
    const enough = this.video.readyState > HTMLMediaElement.HAVE_CURRENT_DATA;
    if (enough || this.problem.value || this.givenUp.value) return;
    if (await this.uploadIsOver(origin)) return;
    if (await nodes.answers(origin, answerLimit)) return;
    if (!this.ended && origin === this.plainOrigin.value) this.leavePlain(origin);
  }

  // What has come was played, and nothing more will come.
  private async uploadIsOver(origin: string): Promise<boolean> {
    if (!this.file.incomplete) return false;
    this.givenUp.value = (await uploadOf(origin, this.file.name)) === "over";
    return this.givenUp.value;
  }

  private leavePlain(origin: string): void {
    nodes.silent(origin);
    const [at, from, to] = [this.video.currentTime, {http: origin}, {http: nodes.best}];
    if (from.http !== to.http) this.switched({at, from, to, reason: "quiet"});
    this.plainFrom(to.http);
    this.video.play().catch(() => undefined);
  }

  // A stream that broke (the browser stopped the service worker) goes on from where it was.
  private readonly mediaFailed = (): void => {
    const {error, currentTime, src} = this.video;
    if (!error || this.ended || this.problem.value) return;
    if (this.way.value === "mse") return this.afterMediaSource(new Error(error.message || "?"));
    if (
      error.code === MediaError.MEDIA_ERR_NETWORK &&
      this.way.value === "sw" &&
      this.rescues++ < 5
    ) {
      this.video.src = src;
      this.video.currentTime = currentTime;
      this.video.play().catch(() => undefined);
      return;
    }
    if (this.file.incomplete) return void this.arrivingFailed(error);
    if (
      error.code === MediaError.MEDIA_ERR_NETWORK &&
      this.way.value === "plain" &&
      this.rescues++ < 5
    ) {
      return this.leavePlain(this.plainOrigin.value);
    }
    this.problem.value = error.message || "?";
  };

  // The answer ended early: another node may have more, or nobody sends any more.
  private async arrivingFailed(error: MediaError): Promise<void> {
    const origin = this.plainOrigin.value;
    if ((await this.uploadIsOver(origin)) || this.ended) return;
    if (error.code !== MediaError.MEDIA_ERR_NETWORK) this.problem.value = error.message || "?";
    else if (this.rescues++ < 5) this.leavePlain(origin);
    else this.givenUp.value = true;
  }

  private servedBy(holder: Holder, reason: SwitchReason): void {
    const from = this.serving.value;
    if (from && from.node !== holder.node && reason !== "first") {
      this.switched({at: this.video.currentTime, from, to: holder, reason});
    }
    this.serving.value = holder;
  }

  private switched(one: Switch): void {
    this.switches.value = [...this.switches.value, one];
  }

  private aheadBytes(): number {
    const {duration} = this.video;
    const rate =
      Number.isFinite(duration) && duration > 0 ? this.file.size / duration : mebibyte / 4;
    return Math.min(16 * mebibyte, Math.max(mebibyte, rate * aheadSeconds));
  }
}
