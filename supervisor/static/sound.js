// @ts-check
// A tone when a road becomes dangerous, for a control centre where nobody looks at the screen all night. Off until
// somebody switches it on; browsers allow no sound before a press of a key or button.

import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { changed, model } from "./model.js";
import { useEffect, useRef } from "./vendor/preact-hooks.mjs";

const KEPT = "roadheat.sound"; // on this device
const NOTES_HZ = [880, 660, 880];
const NOTE_S = 0.22;
const LOUD = 0.25;
const QUIET_MS = 10_000; // between two tones: a storm that takes twenty roads at once is one warning

/** @type {AudioContext | null} */
let context = null;
let played_ms = -QUIET_MS;
let forced = false;

export const soundOn = () => forced || localStorage.getItem(KEPT) === "on";
/** Whether it is switched on and the browser does not allow it yet. */
export const soundBlocked = () => soundOn() && context?.state !== "running";

/** Ask the browser; call it from a press. */
async function allow() {
  context ??= new AudioContext();
  if (context.state !== "running") await context.resume().catch(() => {});
  changed();
}

function tone() {
  if (!context || context.state !== "running") return;
  const begin = context.currentTime;
  NOTES_HZ.forEach((hertz, n) => {
    const [note, level] = [new OscillatorNode(/** @type {AudioContext} */ (context), { frequency: hertz }), new GainNode(/** @type {AudioContext} */ (context), { gain: 0 })];
    const [at, end] = [begin + n * NOTE_S, begin + (n + 1) * NOTE_S];
    level.gain.setValueAtTime(0, at);
    level.gain.linearRampToValueAtTime(LOUD, at + 0.02); // without a click
    level.gain.linearRampToValueAtTime(0, end);
    note.connect(level).connect(/** @type {AudioContext} */ (context).destination);
    note.start(at);
    note.stop(end);
  });
}

/** On a screen without buttons: on for as long as it is open. */
export function forceSound() {
  forced = true;
}

async function toggle() {
  const on = !soundOn();
  localStorage.setItem(KEPT, on ? "on" : "off");
  if (on) {
    await allow();
    tone(); // how it will sound
  }
  changed();
}

/** Play when a road joins those in danger; `active` false: this screen does not warn. */
export function useDangerSound(active) {
  const known = useRef(/** @type {Set<string> | null} */ (null));
  const ids = [...model.zones.values()].filter((zone) => zone.section === "danger").map((zone) => zone.id);
  useEffect(() => {
    const before = known.current;
    if (model.zones.size) known.current = new Set(ids);
    if (!active || !soundOn() || !before || ids.every((id) => before.has(id))) return;
    if (performance.now() - played_ms < QUIET_MS) return;
    played_ms = performance.now();
    tone();
  }, [ids.sort().join(" "), model.zones.size > 0]);
  useEffect(() => {
    if (!active) return;
    const press = () => soundBlocked() && allow(); // switched on before the page was loaded
    if (forced) allow(); // a kiosk that may sound needs no press
    addEventListener("pointerdown", press);
    addEventListener("keydown", press);
    return () => (removeEventListener("pointerdown", press), removeEventListener("keydown", press));
  }, [active]);
}

export function SoundButton() {
  const on = soundOn();
  return html`<p class="sound"><button type="button" class="big small sound-toggle" aria-pressed=${String(on)} onClick=${toggle}><${Icon} name=${on ? "bell" : "off"} size=${20} /> ${t(on ? "sound.on" : "sound.off")}</button>
    ${soundBlocked() && html`<span class="hint">${t("sound.blocked")}</span>`}</p>`;
}
