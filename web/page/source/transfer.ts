import {DetailedError, Upload as TusUpload} from "tus-js-client";
import {bearer, doubt} from "./access/ask";
import {Memory} from "./memory";
import {problemOf, unreachable, type Nodes} from "./nodes";

// One file on its way into the cluster, by tus: each chunk is safe on several nodes once it is
// acknowledged, so when the node that takes it dies, hangs or refuses, the next one goes on from
// there. Where it is kept in the cluster is remembered in the browser without the name of a node: the
// same file, chosen again after a reload, goes on too, at any node.

const chunkSize = 8 << 20;
const sentAtOnce = 256 << 10; // a file up to this size goes with the request that creates the upload
// ms between attempts, which begin anew after progress; in all as long as a large file may be made of
// its parts when its node died in the middle of that.
const pauses = [200, 500, 1000, 2000, 3000, 4000, ...Array<number>(24).fill(5000)];
const quietLimit = 3000; // ms without progress until the node is asked whether it is there
const answerLimit = 2000; // ms that it has to answer

export interface Listener {
  sent(bytes: number): void;
  moved(from: string, to: string): void;
  refused(sentence: string): void; // it is tried again
  stored(): void;
  failed(sentence: string): void;
}

export interface Wanted {
  file: File;
  name: string;
  ttl?: string | undefined; // how long it is kept, as "7d"; for ever without
}

export class Transfer {
  private readonly tus: TusUpload;
  private readonly memory: Memory;
  private origin: string;
  private patience: Patience | undefined;
  private safe = 0; // bytes, as some node said

  constructor(
    {file, name, ttl}: Wanted,
    private readonly nodes: Nodes,
    private readonly listener: Listener,
    storage?: Storage,
  ) {
    this.origin = nodes.best;
    this.memory = new Memory(printOf(file, name, ttl), storage);
    this.tus = new TusUpload(file, {
      chunkSize,
      retryDelays: pauses,
      storeFingerprintForResuming: false, // `memory` does, without the node
      uploadDataDuringCreation: file.size <= sentAtOnce,
      metadata: {filename: name, filetype: file.type, ...(ttl && {ttl})},
      onBeforeRequest: (request) => {
        this.patience?.renew();
        for (const [name, value] of Object.entries(bearer(request.getURL())))
          request.setHeader(name, value);
        // Another node may not have heard of it yet: it waits for the news.
        if (request.getMethod() === "HEAD" && this.safe > 0)
          request.setHeader("Upload-Offset", String(this.safe));
      },
      onChunkComplete: (_size, safe) => (this.safe = safe),
      onProgress: (sent) => {
        this.patience?.renew();
        listener.sent(sent);
      },
      onUploadUrlAvailable: () => this.remember(),
      onShouldRetry: (error) => this.goOn(error),
      onSuccess: () => {
        this.rest();
        this.memory.forget();
        listener.stored();
      },
      onError: (error) => {
        this.rest();
        listener.failed(sentenceOf(error));
      },
    });
    const known = this.memory.path();
    if (known) this.at(known);
    else this.anew();
  }

  // Begins, or goes on after `pause` or a failure.
  start(): void {
    this.patience?.end();
    this.patience = new Patience(
      () => this.nodes.answers(this.origin, answerLimit),
      () => this.leave(),
    );
    this.tus.start();
  }

  pause(): void {
    this.rest();
    void this.tus.abort();
  }

  // For good: the cluster forgets what it has, now or a day later.
  cancel(): void {
    const {url} = this.tus;
    this.pause();
    this.memory.forget();
    this.anew();
    if (!url) return;
    const options = {retryDelays: null, headers: bearer(url)};
    void TusUpload.terminate(url, options).catch(() => undefined);
  }

  private rest(): void {
    this.patience?.end();
    this.patience = undefined;
  }

  private anew(): void {
    this.safe = 0;
    this.tus.url = null;
    this.tus.options.endpoint = this.origin + "/uploads";
  }

  // Without an endpoint tus cannot begin anew of its own when a node knows nothing at the moment.
  private at(path: string): void {
    this.tus.url = this.origin + path;
    this.tus.options.endpoint = null;
  }

  private remember(): void {
    const path = new URL(this.tus.url!).pathname;
    this.memory.keep(path);
    this.at(path);
  }

  // Whether to try again, and where: elsewhere when the node is silent or cannot do it now.
  private goOn(error: DetailedError): boolean {
    const status = error.originalResponse?.getStatus() ?? 0;
    if (status === 401) doubt();
    if (status === 0 || status >= 500) this.move();
    if (status >= 500) this.listener.refused(sentenceOf(error));
    const gone = (status === 404 || status === 410) && this.tus.url !== null;
    if (gone) this.anew();
    return gone || status === 0 || status === 409 || status === 423 || status >= 500;
  }

  private move(): void {
    const from = this.origin;
    this.origin = this.nodes.after(from);
    this.nodes.silent(from);
    if (this.tus.url === null) this.anew();
    else this.at(new URL(this.tus.url).pathname);
    if (this.origin !== from) this.listener.moved(from, this.origin);
  }

  // The node hangs.
  private leave(): void {
    void this.tus.abort();
    this.move();
    this.start();
  }
}

// Runs `leave` when an upload stands still and its node does not answer: slow alone is no reason.
class Patience {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended = false;

  constructor(
    private readonly answers: () => Promise<boolean>,
    private readonly leave: () => void,
  ) {
    this.renew();
  }

  renew(): void {
    clearTimeout(this.timer);
    if (!this.ended) this.timer = setTimeout(() => void this.ask(), quietLimit);
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  private async ask(): Promise<void> {
    const there = await this.answers();
    if (this.ended) return;
    if (there) this.renew();
    else this.leave();
  }
}

// What tells an upload from others.
function printOf(file: File, name: string, ttl = ""): string {
  const print = [name, file.type, file.size, file.lastModified];
  return [...print, ...(ttl ? [ttl] : [])].join("|");
}

function sentenceOf(error: Error): string {
  const answer = error instanceof DetailedError ? error.originalResponse : undefined;
  return answer ? problemOf(answer.getStatus(), answer.getBody()).message : unreachable().message;
}
