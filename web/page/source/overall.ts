// How far all uploads are together, and how fast.

export interface Part {
  size: number;
  sent: number;
}

export interface Overall {
  sent: number;
  size: number;
  speed: number; // bytes per second, smoothed
  left: number; // seconds
}

export class Meter {
  private at: number | undefined;
  private sent = 0;
  private speed = 0;

  // Looks at all uploads at some time (ms).
  look(parts: Iterable<Part>, now: number): Overall {
    let [sent, size] = [0, 0];
    for (const part of parts) {
      sent += part.sent;
      size += part.size;
    }
    if (this.at !== undefined && now > this.at) {
      const fresh = (Math.max(0, sent - this.sent) * 1000) / (now - this.at);
      this.speed = this.speed === 0 ? fresh : this.speed * 0.7 + fresh * 0.3;
    }
    this.at = now;
    this.sent = sent;
    const left = this.speed > 0 ? (size - sent) / this.speed : Infinity;
    return {sent, size, speed: this.speed, left};
  }
}
