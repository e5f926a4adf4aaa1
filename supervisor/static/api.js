// @ts-check
// Requests that survive bad signal: each has a deadline, and a command is sent again under the same key, so that the
// server carries it out once however often it arrives.

const DEADLINE_MS = 12_000;
const ATTEMPTS = 3;

/** A failed request; `code` is the translation key `problem.<code>`. */
export class Problem extends Error {
  constructor(code, detail = "", status = 0, where = "") {
    super(detail || code);
    this.code = code;
    this.detail = detail;
    this.status = status;
    this.where = where;
  }
}

let csrf = "";

async function once(method, path, body, headers) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), DEADLINE_MS);
  try {
    const answer = await fetch(path, {
      method,
      headers: { Accept: "application/json", ...headers, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      credentials: "same-origin",
      signal: abort.signal,
    });
    const json = await answer.json().catch(() => null);
    if (answer.ok) return json;
    throw new Problem(json?.code || "internal", json?.detail || "", answer.status, json?.where || "");
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(navigator.onLine ? "no-answer" : "no-signal");
  } finally {
    clearTimeout(timer);
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const worthAgain = (problem) => problem.status === 0 || problem.status === 503;

async function send(method, path, body, headers, onRetry) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(method, path, body, headers);
    } catch (problem) {
      if (attempt >= ATTEMPTS || !worthAgain(problem)) throw problem;
      onRetry?.(attempt + 1, ATTEMPTS);
      await pause(800 * 2 ** attempt * (0.5 + Math.random() / 2));
    }
  }
}

export const get = (path) => send("GET", path);

/** Take over a session that the service has named, with the secret that commands need. */
export function trust(found) {
  csrf = found.csrf;
  return found;
}

/** Who is signed in; null when nobody is. */
export async function session() {
  try {
    return trust(await send("GET", "/api/v1/session"));
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) return null;
    throw problem;
  }
}

/** A key that makes one command, sent any number of times, one command. */
export const commandKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/** A question that is worth one attempt only, such as a preview: nothing is carried out. */
export const ask = (path, body) => once("POST", path, body, { "X-CSRF-Token": csrf });

export async function command(method, path, body, key, onRetry) {
  if (!csrf) await session(); // the app was opened without signal
  return send(method, path, body, { "X-CSRF-Token": csrf, "Idempotency-Key": key }, onRetry);
}
