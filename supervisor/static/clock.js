// @ts-check
// The server's clock. In a demo it runs hundreds of times faster than wall time, so the stream sends its rate with it.

export class ServerClock {
  constructor() {
    this.utc_s = Date.now() / 1000;
    this.rate = 1;
    this.at_ms = performance.now();
  }

  /** Take over what the stream says: UTC second now, and server seconds per second of wall time. */
  set(utc_s, rate = 1) {
    this.utc_s = utc_s;
    this.rate = rate;
    this.at_ms = performance.now();
  }

  /** Server UTC seconds, now. Never runs more than a minute ahead of the last event from the server when it is fast. */
  now_s() {
    const wall_s = (performance.now() - this.at_ms) / 1000;
    const ahead_s = wall_s * this.rate;
    return this.utc_s + (this.rate > 2 ? Math.min(ahead_s, 60 * this.rate) : ahead_s);
  }

  get fast() {
    return this.rate > 1.5;
  }
}
