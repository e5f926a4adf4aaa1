// @ts-check
// Words in the reader's language. Translators edit i18n/*.json only; the service puts English in for what is missing.

export const LANGUAGES = ["ko", "en"];
const STORED = "roadheat.language";

let words = {};
let language = "en";

/** The stored choice, else the browser's first language that we have, else English. */
export function preferred() {
  const wanted = [localStorage.getItem(STORED), ...(navigator.languages || [])];
  for (const tag of wanted) {
    const short = (tag || "").slice(0, 2).toLowerCase();
    if (LANGUAGES.includes(short)) return short;
  }
  return "en";
}

async function load(tag) {
  const answer = await fetch(new URL(`./i18n/${tag}.json`, import.meta.url), { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`i18n/${tag}.json: ${answer.status}`);
  return answer.json();
}

/** Switch to a language and remember it. */
export async function use(tag, remember = false) {
  words = await load(tag);
  language = tag;
  document.documentElement.lang = tag;
  document.title = t("app.title");
  if (remember) localStorage.setItem(STORED, tag);
}

export const current = () => language;

export const has = (key) => key in words;

/** The text for a key, with {name} replaced by values.name. An unknown key shows itself, so that nobody misses it. */
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
