// @ts-check
// One zone: what it is like, what it does and why, what it will do, and a person's command.

import { Day } from "./day.js";
import { age, celsius, clock, kilowatts, near, number } from "./format.js";
import { DangerButton, DangerHere } from "./danger.js";
import { Brief, HistoryPage } from "./history.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { mayCommand, model } from "./model.js";
import { Form, Running, outcome } from "./override.js";
import { Freshness, Notice } from "./status.js";
import { Stop } from "./stop.js";
import { Square, where } from "./tile.js";
import { wide } from "./wide.js";
import { doingWords, reason } from "./words.js";
import { Works } from "./work.js";
import { commanded, faults, heating, name, notes, reasons } from "./zone.js";
import { useEffect, useRef, useState } from "./vendor/preact-hooks.mjs";

const OVERRIDDEN = 3; // row of the precedence table; who and why stand in the box below

function Fact({ label, value, unit, below = "", tone = "" }) {
  return html`<div class="figure"><dt>${label}</dt><dd class=${value === t("figure.unknown") ? "words" : tone}>${value}<small>${unit}</small></dd>${below && html`<dd class="figure-small">${below}</dd>`}</div>`;
}

/** Tells how a command ended that ran a moment ago without our cancelling it. */
function useOutcome(zone) {
  const last = useRef(null);
  useEffect(() => {
    const gone = last.current && last.current !== zone.override?.id ? last.current : null;
    last.current = zone.override?.id ?? null;
    if (gone && !zone.override) outcome(gone).catch(() => {});
  }, [zone.override?.id]);
}

function Plan({ zone, now_s }) {
  if (!zone.plan) return html`<p class="hint">${t("plan.none")}</p>`;
  const ahead = reasons(zone).filter((why) => why.end_s > now_s).slice(0, 5);
  return html`<section>
    <h3>${t("plan.title")}</h3>
    <ul class="reasons">
      ${ahead.map((why) => html`<li><span class="span">${near(why.start_s, now_s)}–${near(why.end_s, now_s)}</span> ${reason(why)}</li>`)}
      ${!ahead.length && html`<li>${t("plan.no-hazard")}</li>`}
    </ul>
    <p class="hint">${t(`plan.label.${zone.plan.label}`)}</p>
  </section>`;
}

export function Panel({ zone, onClose }) {
  const dialog = useModal(wide());
  const [changing, setChanging] = useState(false);
  const [past, setPast] = useState(false);
  useOutcome(zone);
  const now_s = model.clock.now_s();
  const running = commanded(zone, now_s);
  const shows = running && !changing; // the command that runs
  const stopped = zone.blocked || !zone.online;
  const may = mayCommand();
  const [does, next] = running && zone.who === OVERRIDDEN ? [t("doing.override")] : doingWords(zone, now_s);
  const problems = [...faults(zone), ...notes(zone)];
  const stop = (event) => {
    event.preventDefault(); // Escape: the address decides what is open
    onClose();
  };
  const escape = (event) => {
    if (event.key === "Escape" && wide() && event.target.closest("dialog") === event.currentTarget) stop(event); // beside the list no browser does it
  };
  return html`<dialog ref=${dialog} class=${`panel ${wide() ? "beside" : ""}`} aria-labelledby="panel-name" onCancel=${stop} onKeyDown=${escape}>
    <header role=${wide() ? "presentation" : null}>
      <button type="button" class="round" onClick=${onClose} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
      <div class="titles"><h2 id="panel-name">${name(zone, current())}</h2><p class="hint">${t("panel.supply", { feeder: zone.feeder })}${where(zone)}</p></div>
      <${Freshness} />
    </header>
    <div class="panel-body">
      ${zone.dangers.length > 0 && html`<${DangerHere} zone=${zone} />`}
      ${stopped
        ? html`<${Stop} zone=${zone} now_s=${now_s} mayCommand=${may} />`
        : html`<section class="now">
            <${Square} zone=${zone} now_s=${now_s} large />
            <p class="does-now"><b>${does}</b>${next && html`<span class="next">${next}</span>`}</p>
          </section>`}
      ${problems.map((word) => html`<p class="problem"><${Icon} name="trouble" size=${20} /> ${t(`flag.${word}`)} <small>${t(`flag-help.${word}`)}</small></p>`)}
      ${!zone.online && html`<p class="problem"><${Icon} name="offline" size=${20} /> ${zone.updated_utc_s ? t("panel.offline-since", { time: clock(zone.updated_utc_s), age: age(now_s - zone.updated_utc_s) }) : t("panel.never-heard")}</p>`}
      ${shows && html`<${Running} zone=${zone} now_s=${now_s} mayCommand=${may && !zone.dangers.length} onChange=${() => setChanging(true)} />`}
      <dl class="figures">
        <${Fact} label=${t("figure.surface")} value=${zone.surface_c === null ? t("figure.unknown") : celsius(zone.surface_c)} unit=${zone.surface_c === null ? "" : "C"} />
        <${Fact} label=${t("figure.lying")} value=${zone.look === "unknown" ? t("figure.unknown") : number(zone.snow_cm)} unit=${zone.look === "unknown" ? "" : "cm"} below=${zone.look === "unknown" || !zone.snow_mm ? "" : t("figure.water", { mm: number(zone.snow_mm) })} />
        <${Fact} label=${t("figure.power")} value=${zone.power_w === null ? t("figure.unknown") : kilowatts(zone.power_w)} unit="" below=${t("figure.of-kw", { kw: kilowatts(zone.rated_w) })} tone=${heating(zone) ? "heat" : ""} />
        <${Fact} label=${t("figure.cable")} value=${zone.cable_c === null ? t("figure.unknown") : celsius(zone.cable_c)} unit=${zone.cable_c === null ? "" : "C"} />
      </dl>
      ${!shows && zone.dangers.length > 0 && html`<p class="hint">${t("problem.electric-danger")}</p>`}
      ${!shows && !zone.dangers.length && !may && html`<p class="hint">${t("override.viewer")}</p>`}
      <${Day} zone=${zone} />
      ${zone.offered.includes("on") && html`<${Plan} zone=${zone} now_s=${now_s} />`}
      <${Works} zone=${zone} now_s=${now_s} mayReport=${may} buttons=${!stopped} />
      <${Brief} zone=${zone} onAll=${() => setPast(true)} />
      ${zone.dangers.length === 0 && html`<${DangerButton} zone=${zone} />`}
    </div>
    ${past && html`<${HistoryPage} zone=${zone.id} onClose=${() => setPast(false)} />`}
    ${!shows && !zone.dangers.length && may && html`<div class="foot"><${Form} zone=${zone} onSent=${() => setChanging(false)} onBack=${running ? () => setChanging(false) : null} /></div>`}
    <${Notice} />
  </dialog>`;
}
