// @ts-check
// What became of a command of one's own that another person has replaced or ended.

import { current, t } from "./i18n.js";
import { model, say } from "./model.js";
import { LIVE_STATES, name } from "./zone.js";

const EXPIRES_S = 5; // a command that would have ended by itself by now was not ended by anybody

/** Commands that this device ends itself. */
export const ending = new Set();

/** Who took the place of whose command, by road: @type {Map<string, {id: number, user: string, mode: string, utc_s: number}>} */
const taken = new Map();

/** Who has replaced a command of this person's on the road, as long as the newer one stands. */
export const displaced = (zone) => {
  const found = taken.get(zone.id);
  return found && found.id === zone.override?.id ? found : null;
};

/** Say it when `after` shows that the command of `before` no longer holds; both are the same road. */
export function noteDisplaced(before, after) {
  const mine = before?.override;
  if (!mine || mine.user !== model.session?.user || !LIVE_STATES.includes(mine.state) || mine.id === 0) return;
  const now = after.override;
  const road = name(after, current());
  if (now && now.id !== mine.id && LIVE_STATES.includes(now.state)) {
    if (now.user === mine.user) return;
    taken.set(after.id, { id: now.id, user: now.user, mode: now.mode, utc_s: now.created_utc_s });
    say("notice.replaced", { road, user: now.user, mode: t(`mode.${now.mode}`) }, "bad");
  } else if ((!now || (now.id === mine.id && now.state === "cancelled")) && !ending.has(mine.id) && mine.expires_utc_s - model.clock.now_s() > EXPIRES_S)
    say("notice.ended-by-other", { road }, "bad");
}
