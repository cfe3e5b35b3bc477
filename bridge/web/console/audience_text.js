// What the console says of who watches. Pure but for the catalogue.

/** @import { ConferenceView } from "../types/protocol.js" */
import { t } from "../common/i18n.js";

/** How many watch, by how they were admitted; "" where nobody may. @param {ConferenceView | null} conference */
export function viewersText(conference) {
  if (!conference || conference.audience === "nobody") return "";
  const kinds = Object.entries(conference.viewers).filter(([, count]) => count > 0);
  const count = kinds.reduce((sum, [, some]) => sum + some, 0);
  const all = t("audience.count", { count: String(count) });
  if (!count) return all;
  return `${all} (${kinds.map(([kind, some]) => `${t(`audience.kind_${kind}`)}: ${some}`).join(", ")})`;
}

/** What a page of others holds to show the conference in a frame. @param {string} page */
export const embedding = (page) =>
  `<iframe src="${page}" width="960" height="540" allow="autoplay; fullscreen" title="Điểm Cầu"></iframe>`;
