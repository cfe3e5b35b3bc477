// What people are told of recording. Pure but for the catalogue.

/** @import { ConferenceView } from "../types/protocol.js" */
import { t } from "./i18n.js";

/**
 * The mark of a conference: that it is recorded only where something is really being written.
 * @param {ConferenceView | null} conference
 * @param {boolean} wishes  also what was asked for and is not so yet, for whoever asks
 */
export function recordingText(conference, wishes) {
  if (!conference) return "";
  if (conference.recorded) return t("recording.now");
  if (wishes && conference.record === "on") return t("recording.coming");
  if (conference.record === "paused") return t("recording.paused");
  return conference.recording === "forbidden" ? t("report.recording_forbidden") : "";
}
