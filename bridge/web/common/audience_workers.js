// How the workers and machines that serve viewers are, for the pages of those who look after the
// bridge.

/** @import { AudienceWorker } from "../types/protocol.js" */
import { timeText } from "./format.js";
import { pick, t } from "./i18n.js";
import { zone } from "./zone.js";

/**
 * What is said of a worker: its name, how it is and since when, and how many watch by it.
 * @param {AudienceWorker} worker
 */
export function workerTexts(worker) {
  const since = timeText(worker.since, zone, "day");
  const state = t(worker.ready ? "serving.ready" : "serving.away", { since });
  return {
    name: pick(worker.name),
    state: worker.ready ? state : `⚠ ${state}`,
    viewers: t("serving.viewers", {
      count: String(worker.viewers), room: String(worker.room),
      conferences: String(worker.conferences),
    }),
    next: worker.next ? pick(worker.next) : "",
  };
}
