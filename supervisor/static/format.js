// @ts-check
// Numbers and times in the reader's language and the district's time zone.

import { current, t } from "./i18n.js";

const NONE = "–";
let timezone = "UTC";
const cache = new Map();

export const setTimezone = (name) => {
  timezone = name;
  cache.clear();
};

function made(kind, make) {
  const key = `${current()}:${kind}`;
  if (!cache.has(key)) cache.set(key, make(current()));
  return cache.get(key);
}

/** A number with fixed decimals; a real minus sign, and no "-0.0". */
export function number(value, decimals = 1) {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  const factor = 10 ** decimals;
  const rounded = Math.round(value * factor) / factor || 0;
  const format = made(`n${decimals}`, (language) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
  );
  return format.format(rounded).replace("-", "−");
}

export const celsius = (value) => (value === null || value === undefined ? NONE : `${number(value)}°`);
export const kilowatts = (watts) => (watts === null || watts === undefined ? NONE : number(watts / 1000, watts < 9950 ? 1 : 0));

/** An amount of money to the unit. */
export function money(value, currency) {
  if (value === null || value === undefined) return NONE;
  return currency === "KRW" ? `₩${number(value, 0)}` : `${number(value, 0)} ${currency}`;
}

const LARGE = 1_000_000;

/** The same, large sums as people say them: "5,390만 원", "₩53.9M". */
export function sum(value, currency) {
  if (currency !== "KRW" || value === null || Math.abs(value) < LARGE) return money(value, currency);
  return current() === "ko" ? `${number(value / 10_000, 0)}만 원` : `₩${number(value / LARGE, 1)}M`;
}

/** A part of one as percent. */
export const percent = (part, decimals = 0) => (part === null || part === undefined ? NONE : `${number(100 * part, decimals)} %`);

/** Month and day in the district, as numbers. */
export function monthDay(utc_s) {
  const format = made("month-day", () => new Intl.DateTimeFormat("en-CA", { timeZone: timezone }));
  return format.format(utc_s * 1000).split("-").slice(1).map(Number);
}

/** Name of the month of "2025-12". */
export const monthName = (month) =>
  made("month", (language) => new Intl.DateTimeFormat(language, { month: "short", timeZone: "UTC" })).format(Date.parse(`${month}-15`));

/** Hour and minute in the district. */
export function clock(utc_s) {
  const format = made("clock", (language) =>
    new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: timezone }),
  );
  return format.format(utc_s * 1000);
}

/** Date, hour and minute in the district. */
export function dayClock(utc_s) {
  const format = made("day", (language) =>
    new Intl.DateTimeFormat(language, {
      weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: timezone,
    }),
  );
  return format.format(utc_s * 1000);
}

/** A day that may be in another year, in the district. */
export const longDay = (utc_s) =>
  made("long", (language) => new Intl.DateTimeFormat(language, { year: "numeric", month: "short", day: "numeric", timeZone: timezone })).format(utc_s * 1000);

/** A time near now, in short: "18:20", "yesterday 18:20", "tomorrow 01:12", else with its date. */
export function near(utc_s, now_s) {
  const day = (at_s) => made("date", () => new Intl.DateTimeFormat("en-CA", { timeZone: timezone })).format(at_s * 1000);
  if (day(utc_s) === day(now_s)) return clock(utc_s);
  if (day(utc_s) === day(now_s - 86400)) return t("time.yesterday", { time: clock(utc_s) });
  return day(utc_s) === day(now_s + 86400) ? t("time.tomorrow", { time: clock(utc_s) }) : dayClock(utc_s);
}

/** Hour of the day in the district, 0–23. */
export function hour(utc_s) {
  const format = made("hour", () => new Intl.DateTimeFormat("en", { hour: "numeric", hourCycle: "h23", timeZone: timezone }));
  return Number(format.format(utc_s * 1000));
}

/** What is left, as 1:59:03 or 4:07. */
export function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  return h ? `${h}:${two(m)}:${two(whole % 60)}` : `${m}:${two(whole % 60)}`;
}

/** How old something is, in words: "35 s ago", "12 min ago", "3 h ago". */
export function age(seconds) {
  const s = Math.max(0, seconds);
  if (s < 90) return t("age.s", { n: Math.round(s) });
  if (s < 90 * 60) return t("age.min", { n: Math.round(s / 60) });
  return s < 48 * 3600 ? t("age.h", { n: Math.round(s / 3600) }) : t("age.d", { n: Math.round(s / 86400) });
}

/** A length of time in words: "30 min", "2 h", "1 h 30 min". */
export function minutes(total) {
  const h = Math.floor(total / 60);
  const m = total % 60;
  if (!h) return t("time.minutes", { m });
  return m ? t("time.hours-minutes", { h, m }) : t("time.hours", { h });
}

/** UTC second of a date and time in the district, "2026-12-01T18:00": a phone may have another zone. */
export function districtSeconds(text) {
  const format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: timezone });
  const shown = (utc_s) => Date.parse(`${format.format(utc_s * 1000).replace(" ", "T")}Z`) / 1000;
  const wanted = Date.parse(`${text}:00Z`) / 1000;
  const near_s = wanted - (shown(wanted) - wanted);
  return Math.round(near_s - (shown(near_s) - wanted)); // again: the clock may change in between
}
