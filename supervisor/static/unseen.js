// @ts-check
// Which alarms nobody has seen yet.

import { model } from "./model.js";

export const shelved = (alarm, now_s) => (alarm.shelved_until_utc_s ?? 0) > now_s;
export const unseen = (alarm, now_s) => !alarm.acknowledged_by && !shelved(alarm, now_s);

/** How many there are. */
export const unseenCount = () => model.alarms.filter((alarm) => unseen(alarm, model.clock.now_s())).length;
