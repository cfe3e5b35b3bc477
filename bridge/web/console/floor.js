// The floor: who speaks and for how long, who waits for it, and which points are not in yet.

/** @import { ConferenceView } from "../types/protocol.js" */
/** @import { PageState } from "../common/state.js" */
import { byId, make, makeText, refill, setText } from "../common/dom.js";
import { clockText } from "../common/format.js";
import { language, pick, t } from "../common/i18n.js";
import { pointOf, spent } from "../common/state.js";
import { asksFor } from "./other_bridge.js";

/**
 * Requests for the floor in their order, each with its button.
 * @param {PageState} state
 * @param {(point: string) => void} give
 */
export function renderQueue(state, give) {
  const queue = state.conference?.queue ?? [];
  const list = byId("queue");
  refill(list, [queue, state.conference?.peers, language(), state.mayDirect], () => queue.forEach(({ point, number, at }, index) => {
    const row = make("li", "", list);
    row.dataset.request = point;
    makeText("span", "number", `${number}.`, row);
    makeText("span", "grow", pick(pointOf(state, point)?.name) + asksFor(state, point), row);
    make("time", "sub", row).dataset.since = String(at);
    const key = index === 0 ? " (F)" : "";
    const button = makeText("button", "primary", t("action.floor") + key, row);
    button.disabled = !state.mayDirect;
    button.addEventListener("click", () => give(point));
  }));
}

/** Points that are not in, and why. @param {PageState} state */
export function renderProblems(state) {
  const rows = state.conference ? missing(state, state.conference) : [];
  const list = byId("problems");
  refill(list, [rows, language()], () => {
    for (const row of rows) makeText("li", "", row, list);
    if (!rows.length) makeText("li", "sub", t("console.all_present"), list);
  });
}

/** Points that are to be in and are not, each with the reason. Pure. @param {PageState} state @param {ConferenceView} conference */
export function missing(state, { points, seats }) {
  return points
    .filter((id) => seats[id] && !seats[id].present && !seats[id].dropped)
    .map((id) => {
      const why = pick(seats[id].problem) || t(`state.${state.presence[id] ?? "offline"}`);
      return `${pick(pointOf(state, id)?.name)}: ${why}`;
    });
}

/** What changes with time alone. @param {PageState} state @param {number} now  UTC seconds */
export function tickFloor(state, now) {
  const floor = state.conference?.floor ?? null;
  const holder = byId("holder");
  const used = floor ? spent(floor, now) : 0;
  const limit = floor?.limit ?? null;
  if (floor) {
    const name = pick(pointOf(state, floor.point)?.name);
    const time = limit ? `${clockText(used)} / ${clockText(limit)}` : clockText(used);
    setText(holder, `${t("console.speaking", { name })} ${time}`);
  } else {
    setText(holder, t("console.nobody_speaks"));
  }
  holder.classList.toggle("late", limit !== null && used > limit);
  for (const time of byId("queue").querySelectorAll("time")) {
    setText(time, clockText(now - Number(time.dataset.since)));
  }
}
