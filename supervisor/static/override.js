// @ts-check
// A person's command: what runs now with its four steps, and the form for a new one.

import { get } from "./api.js";
import { ending } from "./displaced.js";
import { draftFor } from "./drafts.js";
import { clock, countdown, minutes } from "./format.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model, say } from "./model.js";
import { Preview, Twice, usePreview, useSecondQuestion } from "./preview.js";
import { busyWords, useCommand } from "./send.js";
import { failedWhy, heldFor } from "./words.js";
import { LIVE_STATES, failedWord, kind, name } from "./zone.js";
import { useState } from "./vendor/preact-hooks.mjs";

export const MODES = ["on", "boost", "off"];
export const MINUTES = [30, 60, 120, 240, 480];
export const USUAL_MIN = 120;
export const REASONS = ["snow", "ice-reported", "slope-school", "complaint", "maintenance", "road-clear"];
export const REASON_LETTERS = { min: 3, max: 200 }; // as the server has it

/** Requested → sent → accepted → measured, as far as it has come; ✕ where it stopped, and nothing after it. */
function Steps({ override }) {
  const failed = LIVE_STATES.indexOf(override.failed_step);
  const reached = failed < 0 ? LIVE_STATES.indexOf(override.state) : Math.min(LIVE_STATES.indexOf(override.state), failed - 1);
  return html`<ol class="steps" aria-label=${t("step.label")}>
    ${LIVE_STATES.map((step, index) => {
      const isFailed = index === failed;
      return html`<li class=${isFailed ? "failed" : index <= reached ? "done" : ""} aria-current=${index === reached ? "step" : null}>
        <span class="dot">${isFailed ? html`<${Icon} name="close" size=${16} />` : index <= reached && html`<${Icon} name="check" size=${16} />`}</span>
        ${t(isFailed ? failedWord(override) : `step.${step}`)}
      </li>`;
    })}
  </ol>`;
}

/** The running command, with the time left and a button to end it. */
export function Running({ zone, now_s, mayCommand, onChange }) {
  const { override } = zone;
  const [sure, setSure] = useState(false);
  const [busy, run] = useCommand();
  const left_s = override.expires_utc_s - now_s;
  const part = Math.max(0, Math.min(1, left_s / (override.expires_utc_s - override.created_utc_s)));
  const failed = override.failed_step && t("tile.failed", { mode: t(`mode.${override.mode}`), why: failedWhy(zone) });
  const cancel = () => {
    ending.add(override.id);
    return run("DELETE", `/api/v1/overrides/${override.id}`, null, () => {
      setSure(false);
      say("notice.cancelled", {}, "good");
    });
  };
  return html`<section class="running" aria-label=${t("override.running")}>
    <h3 class=${failed ? "failed" : ""}><${Icon} name=${failed ? "close" : override.mode} /> ${failed ?? t(`override.runs.${override.mode}`)}</h3>
    ${!failed && html`<p class="countdown" role="timer" aria-live="off" data-testid="countdown">${countdown(left_s)}</p>
    <progress max="1" value=${part} aria-label=${t("override.left")}></progress>`}
    <p class="until">${t("override.until", { time: clock(override.expires_utc_s) })}</p>
    <${Steps} override=${override} />
    ${!override.recorded && html`<p class="missing" role="alert">${t("override.not-recorded")}</p>`}
    <p class="by"><${Icon} name="person" size=${18} /> <b>${override.user}</b> · ${override.reason}</p>
    ${mayCommand && (busy
      ? html`<button type="button" class="big" disabled>${busyWords(busy)}</button>`
      : sure
        ? html`<div class="pair">
            <button type="button" class="big danger" onClick=${cancel}>${t("override.cancel-sure")}</button>
            <button type="button" class="big" onClick=${() => setSure(false)}>${t("override.keep")}</button>
          </div>`
        : html`<div class="pair">
            <button type="button" class="big" onClick=${() => setSure(true)}>${t("override.cancel")}</button>
            <button type="button" class="big" onClick=${onChange}>${t("override.change")}</button>
          </div>`)}
  </section>`;
}

export function Choice({ group, value, chosen, onChoose, children, wide }) {
  return html`<label class=${`choice ${wide ? "wide" : ""} ${group}-${value}`}>
    <input type="radio" name=${group} value=${value} checked=${chosen === value} onChange=${() => onChoose(value)} />
    <span>${children}</span>
  </label>`;
}

/** The reason that the road itself shows; another one is a tap away. */
const obvious = (zone) => (kind(zone) === "snow" ? "snow" : "");

/** Mode first; then time and reason open up. Only the usual time is chosen beforehand: so that it is not sent by accident. */
export function Form({ zone, onSent, onBack }) {
  const times = [...MINUTES.filter((each) => each < zone.override_max_min), zone.override_max_min].slice(-5);
  const [draft] = useState(() => draftFor(zone.id));
  const [picked, setMode] = useState(draft?.mode ?? "");
  const mode = zone.offered.includes(picked) ? picked : ""; // a fault may have come while the form was open
  const [total, setTotal] = useState(draft && times.includes(draft.minutes) ? draft.minutes : times.includes(USUAL_MIN) ? USUAL_MIN : times[0]);
  const [chosen, setQuick] = useState(draft?.quick ?? "");
  const [text, setText] = useState(draft?.text ?? "");
  const quick = chosen || (text.trim() || mode === "off" ? "" : obvious(zone));
  const [missing, setMissing] = useState(false);
  const [busy, run] = useCommand();
  const path = `/api/v1/zones/${encodeURIComponent(zone.id)}/overrides`;
  const [found, state] = usePreview(`${path}/preview`, mode ? { mode, minutes: total } : null);
  // Without a preview what lies there decides: nobody waits for the forecast to switch off.
  const dangerous = mode === "off" && (found ? found.ask_twice : ["icy", "snow"].includes(kind(zone)));
  const reason = [quick && t(`reason.${quick}`), text.trim()].filter(Boolean).join(": ");
  const send = (event) => {
    event.preventDefault();
    const lacking = reason.length < REASON_LETTERS.min;
    setMissing(lacking);
    if (lacking) {
      const pick = event.currentTarget.querySelector(".pick-reason");
      pick.scrollIntoView({ block: "center" });
      pick.querySelector("input").focus({ preventScroll: true });
      return;
    }
    ask();
  };
  const carryOut = () => {
    const same = draft && draft.mode === mode && draft.minutes === total && draft.reason === reason;
    const kept = { id: same ? draft.id : undefined, zones: [zone.id], mode, minutes: total, quick, text, reason };
    run("POST", path, { mode, minutes: total, reason }, (made) => {
      if (!made.recorded) say("override.not-recorded", {}, "bad");
      else if (made.not_heating && made.mode !== "off") say("zone.not-heating", { why: t(`stop.${made.not_heating}`) }, "bad");
      else say("notice.requested", {}, "good");
      onSent(made);
    }, kept);
  };
  const { asked, held, ask, keep, sure } = useSecondQuestion(mode, state, dangerous, carryOut);
  return html`<form class=${`command ${mode ? "open" : "bar"}`} onSubmit=${send} novalidate>
    ${mode && html`<h3>${t("override.of", { road: name(zone, current()), mode: t(`mode.${mode}`) })} <small>${t("override.afterwards")}</small></h3>`}
    <fieldset>
      <legend class="hidden">${t("override.mode")}</legend>
      <div class="choices three">
        ${MODES.filter((each) => zone.offered.includes(each)).map((each) => html`<${Choice} group="mode" value=${each} chosen=${mode} onChoose=${setMode}>
          <${Icon} name=${each} size=${24} /><b>${t(`mode.${each}`)}</b>
        <//>`)}
      </div>
      ${!zone.offered.includes("on") && html`<p class="missing">${t("zone.only-off", { why: t(`stop.${zone.not_heating}`) })}</p>`}
      ${mode && html`<p class="hint">${t(`mode-hint.${mode}`)}</p>`}
    </fieldset>
    ${!mode && onBack && html`<button type="button" class="big" onClick=${onBack}>${t("override.back")}</button>`}
    ${mode && html`<fieldset>
      <legend>${t("override.time")}</legend>
      <div class="choices row">
        ${times.map((each) => html`<${Choice} group="minutes" value=${each} chosen=${total} onChoose=${setTotal}>${minutes(each)}<//>`)}
      </div>
    </fieldset>
    <fieldset class="pick-reason">
      <legend>${t("override.reason")}</legend>
      <div class="choices two">
        ${REASONS.map((each) => html`<${Choice} group="reason" value=${each} chosen=${quick} onChoose=${setQuick}>${t(`reason.${each}`)}<//>`)}
      </div>
      <label class="text">
        <span>${t("override.reason-text")}</span>
        <input type="text" maxlength=${REASON_LETTERS.max - 60} value=${text} onInput=${(event) => setText(event.target.value)} autocomplete="off" enterkeyhint="done" />
      </label>
      ${missing && reason.length < REASON_LETTERS.min && html`<p class="missing" role="alert">${t("missing.reason")}</p>`}
    </fieldset>
    <${Preview} found=${found} state=${state} mode=${mode} />
    ${asked && html`<${Twice} found=${found} minutes=${total} onKeep=${keep} onSure=${sure} />`}
    ${!asked && html`<div class="send">
      <button type="button" class="big" onClick=${() => setMode("")}>${t("override.back")}</button>
      <button type="submit" class=${`big primary ${mode}`} disabled=${Boolean(busy) || held}>${busy || held ? busyWords(busy || "sending") : `${heldFor(mode, total)} · ${t("override.until", { time: clock(model.clock.now_s() + 60 * total) })}`}</button>
    </div>`}`}
  </form>`;
}

/** What became of a command that no longer runs: the board may have refused it. */
export async function outcome(id) {
  const found = await get(`/api/v1/overrides/${id}`);
  if (found.state === "refused") say("notice.refused", {}, "bad");
  else if (found.state === "expired") say("notice.expired", {}, "plain");
}
