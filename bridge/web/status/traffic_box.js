// What a point is sent and sends now: figures for who looks for the cause, folded away from the others.

import { get } from "../common/api.js";
import { make, makeText, refill } from "../common/dom.js";
import { language, t } from "../common/i18n.js";
import { trafficRows } from "../common/traffic.js";

/** Show it where the box is open. @param {string} id  of the point @param {HTMLDetailsElement} box */
export async function showTraffic(id, box) {
  if (!box.firstChild) build(id, box);
  if (!box.open) return;
  const traffic = await get("/points/{id}/traffic", { id }).catch(() => null);
  const list = box.querySelector("dl");
  if (!list) return;
  const rows = trafficRows(traffic);
  refill(list, [rows, language()], () => {
    for (const { label, text, level } of rows) {
      const entry = make("div", "", list);
      makeText("dt", "", label, entry);
      const value = makeText("dd", "", text, entry);
      if (level) value.dataset.level = level;
    }
  });
}

/** @param {string} id @param {HTMLDetailsElement} box */
function build(id, box) {
  makeText("summary", "", t("panel.traffic"), box);
  make("dl", "", box);
  box.addEventListener("toggle", () => showTraffic(id, box));
}
