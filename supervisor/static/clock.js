// @ts-check
// The server's clock. In a demo it runs hundreds of times faster than wall time, so the stream sends its rate with it.

const JUMP_MS = 1_000; // below it the two differ by rounding and by a clock that is being set right

let steady_ms = performance.now();
let wall_ms = Date.now();
let total_ms = 0;

/**
 * Milliseconds that have passed since the page began, those in which the device slept too: there performance.now() of
 * most systems stands still, and the wall clock goes on.
 */
export function passed_ms() {
  const steady = performance.now();
  const wall = Date.now();
  const by_steady = steady - steady_ms;
  const by_wall = wall - wall_ms;
  total_ms += by_wall > by_steady + JUMP_MS ? by_wall : by_steady;
  [steady_ms, wall_ms] = [steady, wall];
  return total_ms;
}

export class ServerClock {
  constructor() {
    this.utc_s = Date.now() / 1000;
    this.rate = 1;
    this.at_ms = passed_ms();
  }

  /** Take over what the stream says: UTC second now, and server seconds per second of wall time. */
  set(utc_s, rate = 1) {
    this.utc_s = utc_s;
    this.rate = rate;
    this.at_ms = passed_ms();
  }

  /** Server UTC seconds, now. Never runs more than a minute ahead of the last event from the server when it is fast. */
  now_s() {
    const wall_s = (passed_ms() - this.at_ms) / 1000;
    const ahead_s = wall_s * this.rate;
    return this.utc_s + (this.rate > 2 ? Math.min(ahead_s, 60 * this.rate) : ahead_s);
  }

  get fast() {
    return this.rate > 1.5;
  }
}
