// @ts-check
// One command at a time, the same key for every attempt, and what became of it in words.

import { Problem, command, commandKey } from "./api.js";
import { t } from "./i18n.js";
import { model, say } from "./model.js";
import { problemWords } from "./words.js";
import { useRef, useState } from "./vendor/preact-hooks.mjs";

/** Returns [busy, run]; `busy` is "" while nothing is on its way. */
export function useCommand() {
  const [busy, setBusy] = useState("");
  const running = useRef(false);
  const run = async (method, path, body, done) => {
    if (running.current) return;
    running.current = true;
    setBusy("sending");
    try {
      const answer = await command(method, path, body, commandKey(), (attempt, of) => setBusy(`${attempt}/${of}`));
      done(answer);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 401) model.link = "signed-out";
      say("notice.failed", { why: problemWords(problem) }, "bad");
    } finally {
      running.current = false;
      setBusy("");
    }
  };
  return [busy, run];
}

export const busyWords = (busy) => (busy === "sending" ? t("busy.sending") : t("busy.again", { attempt: busy }));
