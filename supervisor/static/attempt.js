// @ts-check
// One command, and what is said when it fails.

import { Problem } from "./api.js";
import { model, say } from "./model.js";
import { problemWords } from "./words.js";

/** Send one command, or load something, and say what came of it in the words of `failed`; true where it worked. */
export async function attempt(work, failed = "notice.failed") {
  try {
    return (await work()) ?? true;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) model.link = "signed-out";
    say(failed, { why: problemWords(problem) }, "bad");
    return false;
  }
}
