// @ts-check
// The main screen: where snow or ice lies and nobody melts it, what may get worse, and the rest.

import { Calm } from "./calm.js";
import { kilowatts } from "./format.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model } from "./model.js";
import { Tile } from "./tile.js";
import { fallsWords } from "./words.js";
import { heating, kind, name, sorted } from "./zone.js";
import { useEffect, useRef, useState } from "./vendor/preact-hooks.mjs";

const HOLD_MS = 5_000; // after a touch the order stands still, so that no tile slips from under a thumb
export const SECTIONS = ["danger", "watch", "fine"];
export const SECTION_ICONS = { danger: "octagon", watch: "trouble", fine: "circle" };

/** Order by danger, but never while the screen is touched. */
export function useSteadyOrder(zones) {
  const touched = useRef(0);
  const held = useRef([]);
  useEffect(() => {
    const note = () => (touched.current = performance.now());
    addEventListener("pointerdown", note, { passive: true });
    addEventListener("scroll", note, { passive: true });
    return () => {
      removeEventListener("pointerdown", note);
      removeEventListener("scroll", note);
    };
  }, []);
  const fresh = sorted(zones, current());
  const quiet = performance.now() - touched.current > HOLD_MS;
  if (quiet || held.current.length !== fresh.length) held.current = fresh.map((zone) => zone.id);
  const at = new Map(held.current.map((id, index) => [id, index]));
  return fresh.sort((a, b) => at.get(a.id) - at.get(b.id));
}

/** Roads that have become dangerous out of sight, until somebody looks. */
function useFreshDanger(zones) {
  const known = useRef(null);
  const [fresh, setFresh] = useState([]);
  const ids = zones.filter((zone) => zone.section === "danger").map((zone) => zone.id);
  useEffect(() => {
    const before = known.current;
    known.current = ids;
    if (!before) return;
    const added = ids.filter((id) => !before.includes(id) && !visible(id));
    setFresh((old) => [...old.filter((id) => ids.includes(id) && !visible(id)), ...added]);
  }, [ids.join(" ")]);
  return [fresh, () => setFresh([])];
}

function visible(id) {
  const box = document.querySelector(`[data-zone="${CSS.escape(id)}"]`)?.getBoundingClientRect();
  return Boolean(box && box.bottom > 0 && box.top < innerHeight);
}

const jump = (word) => document.getElementById(`section-${word}`)?.scrollIntoView({ block: "start" });

/** Fine roads in one row, so that a storm's list stays short. */
export function Fold({ zones, onUnfold }) {
  const hot = zones.filter(heating).length;
  return html`<li><button type="button" class="card fine fold" onClick=${onUnfold}>
    <span class=${`square ${hot ? "heat" : ""}`}><${Icon} name=${hot ? "heating" : "dry"} size=${26} /></span>
    <span><b>${t("fold.count", { hot, rest: zones.length - hot })}</b><p>${t("fold.all")}</p></span>
    <${Icon} name="more" size=${22} />
  </button></li>`;
}

function Section({ word, zones, storm, now_s, onOpen }) {
  const [unfolded, setUnfolded] = useState(false);
  if (!zones.length) return null;
  const folded = word === "fine" && storm && !unfolded && zones.length > 2;
  return html`<section aria-labelledby=${`section-${word}`}>
    <div class=${`section-head ${word}`}>
      <${Icon} name=${SECTION_ICONS[word]} size=${22} /><h2 id=${`section-${word}`}>${t(`section.${word}`)} ${zones.length}</h2><p>${t(`section-hint.${storm ? "" : "calm-"}${word}`)}</p>
    </div>
    <ul class=${`cards ${word}-cards`}>
      ${folded
        ? html`<${Fold} zones=${zones} onUnfold=${() => setUnfolded(true)} />`
        : zones.map((zone) => html`<${Tile} key=${zone.id} zone=${zone} now_s=${now_s} onOpen=${onOpen} />`)}
    </ul>
  </section>`;
}

export function ZoneList({ onOpen }) {
  const now_s = model.clock.now_s();
  const zones = useSteadyOrder([...model.zones.values()]);
  const [fresh, seen] = useFreshDanger(zones);
  const of = (word) => zones.filter((zone) => zone.section === word);
  const total_w = zones.reduce((sum, zone) => sum + (zone.online ? zone.power_w ?? 0 : 0), 0);
  const storm = zones.some((zone) => zone.section === "danger" || ["icy", "snow"].includes(kind(zone)));
  if (!zones.length) return html`<main class="roads"><p class="none">${t("list.waiting")}</p></main>`;
  return html`<main class=${`roads ${model.link === "live" ? "" : "stale"}`} aria-label=${t("list.label")}>
    ${!storm && html`<${Calm} zones=${zones} now_s=${now_s} onOpen=${onOpen} />`}
    ${(storm || total_w > 0) && html`<p class="total"><span class="falls">${model.stage?.snow_cm_h && html`<${Icon} name="snow" size=${18} /><span>${fallsWords(model.stage)}</span>`}</span><${Icon} name="heating" size=${16} /> <span><b>${kilowatts(total_w)}</b> ${t("list.of-kw", { kw: kilowatts(model.session?.contract_w) })}</span></p>`}
    <div class="counts">
      ${SECTIONS.map((word) => html`<button type="button" class=${`count ${word} ${of(word).length ? "some" : "zero"}`} onClick=${() => jump(word)}>
        <b>${of(word).length}</b><span>${t(`count.${word}`)}</span>
      </button>`)}
    </div>
    ${SECTIONS.map((word) => html`<${Section} key=${word} word=${word} zones=${of(word)} storm=${storm} now_s=${now_s} onOpen=${onOpen} />`)}
    ${fresh.length > 0 && html`<button type="button" class="fresh-danger" onClick=${() => { seen(); jump("danger"); }}>${t("list.fresh-danger", { n: fresh.length })}</button>`}
  </main>`;
}

const plain = (text) => text.normalize("NFC").toLocaleLowerCase().replace(/\s+/g, "");

/** Roads by name in either language, supply, board or id. */
export function Find({ onOpen }) {
  const [wanted, setWanted] = useState("");
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);
  const now_s = model.clock.now_s();
  const text = plain(wanted);
  const zones = sorted([...model.zones.values()], current());
  const found = zones.filter((zone) => [zone.name, zone.name_ko, zone.feeder, zone.board, zone.id].some((word) => plain(word ?? "").includes(text)));
  return html`<main class="roads">
    <label class="find"><${Icon} name="find" /><span class="hidden">${t("find.label")}</span>
      <input ref=${field} type="search" value=${wanted} placeholder=${t("find.hint")} onInput=${(event) => setWanted(event.target.value)} autocomplete="off" enterkeyhint="search" />
    </label>
    ${model.session?.role !== "viewer" && html`<a class="big to-group" href="#group">${t("group.open")}</a>`}
    <ul class="cards">${found.map((zone) => html`<${Tile} key=${zone.id} zone=${zone} now_s=${now_s} onOpen=${onOpen} />`)}</ul>
    ${!found.length && html`<p class="none" role="status">${t("find.none", { text: wanted.trim() })}</p>`}
  </main>`;
}
