// @ts-check
// One command at a time, the same key for every attempt, and what became of it in words.

import { Problem, command, commandKey } from "./api.js";
import { KEEP_MIN, dropDraft, keepDraft } from "./drafts.js";
import { minutes } from "./format.js";
import { t } from "./i18n.js";
import { model, say } from "./model.js";
import { problemWords } from "./words.js";
import { useRef, useState } from "./vendor/preact-hooks.mjs";

/**
 * Returns [busy, run]; `busy` is "" while nothing is on its way. With `draft`, what a draft of it holds, a command that
 * gets no answer is kept and asked again; its `id`, if it has one, is the key under which it was sent before.
 */
export function useCommand() {
  const [busy, setBusy] = useState("");
  const running = useRef(false);
  const run = async (method, path, body, done, draft = /** @type {any} */ (null)) => {
    if (running.current) return;
    running.current = true;
    setBusy("sending");
    const key = draft?.id ?? commandKey();
    try {
      const answer = await command(method, path, body, key, (attempt, of) => setBusy(`${attempt}/${of}`));
      dropDraft(key);
      done(answer);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 401) model.link = "signed-out";
      if (draft && problem.status === 0) {
        keepDraft({ ...draft, id: key });
        say("draft.kept", { time: minutes(KEEP_MIN) }, "bad");
      } else say("notice.failed", { why: problemWords(problem) }, "bad");
    } finally {
      running.current = false;
      setBusy("");
    }
  };
  return [busy, run];
}

export const busyWords = (busy) => (busy === "sending" ? t("busy.sending") : t("busy.again", { attempt: busy }));
