// @ts-check
// Screens that a tap opens, and that of large screens. They are fetched once the list is shown, and are there before a thumb is.

import { Account } from "./account.js";
import { Alarms } from "./alarms.js";
import { Dispatcher } from "./dispatcher.js";
import { Group } from "./group.js";
import { Panel } from "./panel.js";
import { ShiftPage } from "./shift.js";

export { Account, Alarms, Dispatcher, Group, Panel, ShiftPage };
