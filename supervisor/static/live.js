// @ts-check
// The stream of zones (server-sent events), and the age of its data.
//
// A phone on a hillside loses its signal without the socket noticing, so silence counts as loss: after QUIET_MS without
// an event the stream is dropped and opened again. Every new stream starts with the full list; nothing needs replaying.

import { passed_ms } from "./clock.js";

export const STALE_MS = 20_000; // one clock event (15 s) missed
const QUIET_MS = 45_000; // three missed: the connection is dead, whatever the socket says
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;

export class Live {
  /**
   * @param {string} url of the stream
   * @param {{zones(list: any[]): void, zone(one: any): void, change(part: any): void, alarms(list: any[]): void, degraded(list: any[]): void,
   *   clock(now: {utc_s: number, rate: number}): void, state(word: string): void}} on what came; state is "connecting",
   *   "live", "lost" or "signed-out"
   * @param {() => Promise<boolean>} signedIn whether the server still knows who asks
   */
  constructor(url, on, signedIn) {
    this.url = url;
    this.on = on;
    this.signedIn = signedIn;
    this.heard_ms = 0;
    this.opened_ms = 0;
    this.retry_ms = RETRY_MIN_MS;
    /** @type {EventSource | null} */
    this.source = null;
    this.timer = 0;
  }

  start() {
    this.open();
    setInterval(() => this.watch(), 5_000);
    addEventListener("online", () => this.reopen());
    // A phone that slept, a page out of the back-forward cache, a frozen tab: which of these comes depends on the system.
    addEventListener("pageshow", () => this.woken());
    document.addEventListener("resume", () => this.woken());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.woken();
    });
  }

  /** In the foreground again: what is shown is old until a word is heard, whatever the socket says. */
  woken() {
    if (this.silent_ms() <= STALE_MS && this.source?.readyState !== EventSource.CLOSED) return;
    if (this.heard_ms) this.on.state("lost");
    this.reopen();
  }

  silent_ms() {
    return this.heard_ms ? passed_ms() - this.heard_ms : Infinity;
  }

  open() {
    clearTimeout(this.timer);
    this.source?.close();
    this.opened_ms = passed_ms();
    const source = (this.source = new EventSource(this.url));
    const listen = (name) =>
      source.addEventListener(name, (event) => {
        this.heard_ms = passed_ms();
        this.retry_ms = RETRY_MIN_MS;
        this.on[name](JSON.parse(event.data));
        this.on.state("live");
      });
    ["zones", "zone", "change", "alarms", "degraded", "clock"].forEach(listen);
    source.onerror = () => {
      if (this.source !== source) return;
      source.close();
      this.lost();
    };
  }

  reopen() {
    this.retry_ms = RETRY_MIN_MS;
    this.open();
  }

  watch() {
    const waited_ms = Math.min(this.silent_ms(), passed_ms() - this.opened_ms);
    if (this.source && waited_ms > QUIET_MS) {
      this.on.state("lost");
      this.open();
    }
  }

  async lost() {
    this.source = null;
    this.on.state("lost");
    if ((await this.signedIn().catch(() => true)) === false) {
      this.on.state("signed-out");
      return;
    }
    if (this.source) return; // opened again meanwhile
    const wait_ms = this.retry_ms * (0.5 + Math.random() / 2);
    this.retry_ms = Math.min(this.retry_ms * 2, RETRY_MAX_MS);
    this.timer = setTimeout(() => this.open(), wait_ms);
  }
}
