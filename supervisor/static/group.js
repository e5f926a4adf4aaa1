// @ts-check
// One command for many roads: a street, a supply, all, or picked by hand; one preview, and a result for each road.

import { get } from "./api.js";
import { draftFor } from "./drafts.js";
import { clock, kilowatts, minutes, money } from "./format.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { mayCommand, model, say } from "./model.js";
import { Choice, MINUTES, MODES, REASONS, REASON_LETTERS, USUAL_MIN } from "./override.js";
import { Preview, Twice, usePreview, useSecondQuestion } from "./preview.js";
import { busyWords, useCommand } from "./send.js";
import { heldFor, problemWords, stopWords } from "./words.js";
import { WorkButtons } from "./work.js";
import { kind, name, sorted } from "./zone.js";
import { useEffect, useRef, useState } from "./vendor/preact-hooks.mjs";

const SCOPES = ["feeder", "street", "all", "hand"];

/** The street of a road: its name without the number of the lane, "Seongbuk-ro 31-gil" → "Seongbuk-ro". */
const street = (zone) => name(zone, current()).replace(/\s*\d.*$/, "").trim() || name(zone, current());

/** Roads that a scope names, by what is chosen in it. */
function within(zones, scope, chosen) {
  if (scope === "feeder") return zones.filter((zone) => zone.feeder === chosen);
  if (scope === "street") return zones.filter((zone) => street(zone) === chosen);
  return zones;
}

const names = (zones, scope) => (scope === "feeder" ? [...new Set(zones.map((zone) => zone.feeder))] : scope === "street" ? [...new Set(zones.map(street))].sort() : []);

/** Whether the road can be commanded so, for so long. */
const takes = (zone, mode, held) => !mode || (zone.offered.includes(mode) && held <= zone.override_max_min);

function Road({ zone, mode, held, picked, onPick }) {
  const offered = takes(zone, mode, held);
  const tooLong = !offered && zone.offered.includes(mode);
  const off = zone.blocked || !zone.online;
  return html`<li><label class=${`group-road ${offered ? "" : "out"}`}>
    <input type="checkbox" checked=${picked && offered} disabled=${!offered} onChange=${(event) => onPick(event.target.checked)} />
    <span><b>${name(zone, current())}</b> ${off ? html`<em>${stopWords(zone)}</em>` : ""}</span>
    <small>${offered ? `${kilowatts(zone.rated_w)} kW` : tooLong ? t("group.at-most", { time: minutes(zone.override_max_min) }) : t("group.left-out")}</small>
  </label></li>`;
}

/** How far the command has come on its road, as the board and telemetry say; "" once another one rules there. */
function how(one) {
  const now = model.zones.get(one.zone)?.override;
  if (!now || now.id !== one.override.id) return "";
  return t(now.failed_step ? "step.failed" : `step.${now.state}`);
}

function Results({ results, onAgain }) {
  const failed = results.filter((one) => !one.override && one.code);
  return html`<main class="group" aria-label=${t("group.results")}>
    <h2>${t("group.done", { n: results.length - failed.length, of: results.length })}</h2>
    <ul class="group-roads">${results.map((one) => html`<li key=${one.zone} class=${one.code ? "failed" : ""}>
      <${Icon} name=${one.code ? "close" : one.override ? "check" : "clock"} size=${20} />
      <span><b>${name(model.zones.get(one.zone), current())}</b> ${!one.code ? "" : html`<em>${problemWords({ code: one.code, where: one.where, detail: one.error })}</em>`}</span>
      ${!one.override && !one.code && html`<small>${t("group.turn-later")}</small>`}
      ${one.override && html`<small data-testid=${`state-${one.zone}`}>${how(one)}</small>`}</li>`)}</ul>
    <button type="button" class="big" onClick=${onAgain}>${t("group.again")}</button>
  </main>`;
}

/** Roads that take turns now, and the button that ends it. */
function Standing() {
  const [found, setFound] = useState(/** @type {any[]} */ ([]));
  const [busy, run] = useCommand();
  const load = () => get("/api/v1/turns").then(setFound, () => {}); // the commands below work without it
  useEffect(() => {
    load();
  }, []);
  return found.map((one) => html`<section class="replaces turns-standing" key=${one.number}><${Icon} name="swap" size=${22} />
    <span><b>${t("group.turns-standing", { n: one.groups.flat().length, time: clock(one.until_utc_s) })}</b> ${one.user} · ${one.reason}</span>
    <button type="button" class="big small" disabled=${Boolean(busy)} onClick=${() => run("DELETE", `/api/v1/turns/${one.number}`, null, load)}>${busy ? busyWords(busy) : t("group.turns-end")}</button></section>`);
}

export function Group() {
  const zones = sorted(model.zones.values(), current());
  const [draft] = useState(() => draftFor(""));
  const [scope, setScope] = useState(draft ? "hand" : "feeder");
  const [chosen, setChosen] = useState("");
  const [left, setLeft] = useState(() => new Set(draft?.zones)); // unticked, or by hand: ticked
  const [mode, setMode] = useState(draft?.mode ?? "");
  const [held, setHeld] = useState(draft?.minutes ?? USUAL_MIN);
  const [reason, setReason] = useState(draft?.quick ?? "");
  const [results, setResults] = useState(/** @type {any[] | null} */ (null));
  const [busy, run] = useCommand();
  const options = names(zones, scope);
  const here = options.includes(chosen) || !options.length ? chosen : options[0];
  const shown = within(zones, scope, here);
  const isPicked = (zone) => (scope === "hand") === left.has(zone.id);
  const picked = shown.filter((zone) => isPicked(zone) && takes(zone, mode, held)).map((zone) => zone.id);
  const body = mode && picked.length ? { zones: picked, mode, minutes: held } : null;
  const [found, state] = usePreview("/api/v1/overrides/preview", body);
  const over = mode === "on" && found?.feeders.some((one) => one.peak_kw > one.contract_kw + 0.5);
  const [turned] = usePreview("/api/v1/overrides/preview", over ? { ...body, turns: true } : null);
  const dangerous = mode === "off" && (found ? found.ask_twice : shown.some((zone) => picked.includes(zone.id) && ["icy", "snow"].includes(kind(zone))));
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current) setLeft(new Set()); // not at the start, where a draft has its roads
    begun.current = true;
  }, [scope, here]);
  const carryOut = () => {
    const words = t(`reason.${reason}`);
    const same = draft && draft.zones.join() === picked.join() && draft.mode === mode && draft.minutes === held && draft.reason === words;
    run("POST", "/api/v1/overrides", { zones: picked, mode, minutes: held, reason: words.slice(0, REASON_LETTERS.max) }, (made) => {
      setResults(made);
      say("notice.requested", {}, "good");
    }, { id: same ? draft.id : undefined, zones: picked, mode, minutes: held, quick: reason, text: "", reason: words });
  };
  const takeTurns = () =>
    run("POST", "/api/v1/overrides", { zones: picked, mode, minutes: held, reason: t(`reason.${reason}`).slice(0, REASON_LETTERS.max), turns: true }, (made) => {
      setResults(made);
      say("notice.requested", {}, "good");
    });
  const { asked, held: waits, ask, keep, sure } = useSecondQuestion(mode, state, dangerous, carryOut);
  const send = (event) => {
    event.preventDefault();
    ask();
  };
  const pick = (zone, on) => {
    const next = new Set(left);
    if (on === (scope === "hand")) next.add(zone.id);
    else next.delete(zone.id);
    setLeft(next);
  };
  if (!mayCommand()) return html`<main class="group"><p class="hint">${t("override.viewer")}</p></main>`;
  if (results) return html`<${Results} results=${results} onAgain=${() => (setResults(null), setMode(""))} />`;
  return html`<main class="group"><h2>${t("group.title")}</h2><${Standing} /><form class="command" onSubmit=${send}>
    <div class="choices row wide">${SCOPES.map((each) => html`<${Choice} group="scope" value=${each} chosen=${scope} onChoose=${setScope}>${t(`group.${each}`)}<//>`)}</div>
    ${options.length > 1 && html`<label class="text"><span>${t(`group.${scope}`)}</span>
      <select value=${here} onChange=${(event) => setChosen(event.target.value)}>${options.map((each) => html`<option value=${each}>${each}</option>`)}</select></label>`}
    <p class="hint">${t("group.picked", { n: picked.length, of: shown.length })}</p>
    <ul class="group-roads">${shown.map((zone) => html`<${Road} key=${zone.id} zone=${zone} mode=${mode} held=${held} picked=${isPicked(zone)} onPick=${(on) => pick(zone, on)} />`)}</ul>
    <fieldset><legend>${t("override.mode")}</legend>
      <div class="choices three">${MODES.map((each) => html`<${Choice} group="mode" value=${each} chosen=${mode} onChoose=${setMode}><${Icon} name=${each} size=${30} /><b>${t(`mode.${each}`)}</b><//>`)}</div></fieldset>
    ${mode && html`<fieldset><legend>${t("override.time")}</legend>
        <div class="choices row">${MINUTES.map((each) => html`<${Choice} group="minutes" value=${each} chosen=${held} onChoose=${setHeld}>${minutes(each)}<//>`)}</div></fieldset>
      <fieldset><legend>${t("override.reason")}</legend>
        <div class="choices two">${REASONS.map((each) => html`<${Choice} group="reason" value=${each} chosen=${reason} onChoose=${setReason}>${t(`reason.${each}`)}<//>`)}</div></fieldset>
      <${Preview} found=${found} state=${state} mode=${mode} />
      ${turned && html`<p class="turns-hint">${t(turned.base_cost_more < 1 ? "group.turns-free" : "group.turns-cost", { n: turned.turns, time: minutes(turned.zones.reduce((sum, one) => sum + one.icy_min, 0)), cost: money(turned.base_cost_more, turned.currency) })}</p>`}
      ${asked && html`<${Twice} found=${found} minutes=${held} onKeep=${keep} onSure=${sure} />`}
      ${!asked && html`<div class="send ${turned ? "stacked" : ""}">${turned && html`<button type="button" class="big primary on take-turns" disabled=${!reason || Boolean(busy)} onClick=${takeTurns}><${Icon} name="swap" /> ${busy ? busyWords(busy) : t("group.take-turns", { n: picked.length })}</button>`}
        <button type="submit" class=${`big ${turned ? "at-once" : `primary ${mode}`}`} disabled=${!picked.length || !reason || Boolean(busy) || waits}>
        ${busy || waits ? busyWords(busy || "sending") : turned ? t("group.at-once", { what: heldFor(mode, held), cost: money(found?.base_cost_more, found?.currency ?? "") }) : t("group.send", { what: heldFor(mode, held), n: picked.length })}</button></div>`}`}
  </form>
  ${!mode && html`<section class="works"><h3>${t("work.title")} <small>${t("work.counts")}</small></h3><${WorkButtons} zones=${picked} /></section>`}</main>`;
}
