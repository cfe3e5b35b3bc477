// What a point is sent and sends now, as rows of words: for the console's panel of a point and for the
// technicians' page. Pure but for the catalogue.

/** @import { LayerTraffic, PointTraffic, SlotTraffic } from "../types/protocol.js" */
import { percent } from "./format.js";
import { pick, t } from "./i18n.js";

const LOST = 0.01; // share from which on lost packets are marked
const MUCH = 0.05; // and marked as bad
const SOURCES = ["camera", "content"];

/**
 * @typedef {object} Row
 * @property {string} label  "" where the text needs none
 * @property {string} text
 * @property {string} [level]  good, warn or bad
 * @property {string} [link]  address of a page with more
 */

/** @param {number} bits  bit/s */
const rate = (bits) => (bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`);

/** @param {string} label @param {string} text @param {string} [level] @returns {Row} */
const row = (label, text, level) => ({ label: t(label), text, level });

/** @param {number} share */
const lossLevel = (share) => (share > MUCH ? "bad" : share >= LOST ? "warn" : undefined);

/**
 * Both directions of a point, the one to it first.
 * @param {PointTraffic | null} traffic  null: not told yet
 * @returns {Row[]}
 */
export function trafficRows(traffic) {
  if (!traffic) return [{ label: "", text: t("status.no_history") }];
  if (!traffic.connected) return [{ label: "", text: t("traffic.away") }, ...promisedRows(traffic)];
  // Of the small pictures only those that come, or would if they were not paused.
  const shown = traffic.slots.filter(({ slot, bitrate, paused }) => slot === "programme" || bitrate || paused);
  return [
    row("traffic.estimate", traffic.estimate ? rate(traffic.estimate) : t("traffic.not_estimated")),
    row("traffic.bound", traffic.bound ? rate(traffic.bound) : t("traffic.no_bound")),
    row("traffic.used", rate(traffic.used)),
    row("traffic.loss_down", percent(traffic.loss, 1), lossLevel(traffic.loss)),
    row("traffic.red_down", redText(traffic.red)),
    ...shown.map(slotRow),
    ...promisedRows(traffic),
    ...(traffic.share_up ? [row("traffic.share_up", rate(traffic.share_up))] : []),
    row("traffic.received", rate(traffic.received)),
    row("traffic.loss_up", percent(traffic.lost, 1), lossLevel(traffic.lost)),
    row("traffic.red_up", redText(traffic.red_received)),
    ...traffic.layers.filter(({ source }) => SOURCES.includes(source)).map(layerRow),
    ...askedRows(traffic),
  ];
}

/** How much of the sound is sent again for what may be lost. @param {number} frames */
const redText = (frames) => (frames ? t("traffic.red_frames", { frames: String(frames) }) : t("traffic.red_none"));

/** @param {{height: number, frame_rate: number, bitrate: number}} picture */
const pictureText = ({ height, frame_rate, bitrate }) =>
  height ? `${t("panel.size", { height: String(height), rate: frame_rate.toFixed(0) })}, ${rate(bitrate)}` : rate(bitrate);

/** @param {SlotTraffic} slot @returns {Row} */
function slotRow({ slot, point, name, paused, ...picture }) {
  const who = pick(name) || point || "";
  const what = paused ? t(`traffic.paused_${paused}`) : picture.bitrate ? pictureText(picture) : t("traffic.nothing");
  const [kind] = slot.split(":");
  return row(`traffic.slot_${kind}`, who ? `${who}: ${what}` : what, paused ? "warn" : undefined);
}

/** @param {LayerTraffic} layer @returns {Row} */
const layerRow = ({ source, rid, ...picture }) =>
  row(`traffic.source_${source}`, `${rid ? `${rid}: ` : ""}${picture.bitrate ? pictureText(picture) : t("traffic.nothing")}`);

/** Which layers it is to send. @param {PointTraffic} traffic @returns {Row[]} */
const askedRows = ({ asked }) =>
  Object.entries(asked).filter(([source]) => SOURCES.includes(source)).map(([source, rids]) =>
    row("traffic.asked", `${t(`traffic.source_${source}`)}: ${rids.filter(Boolean).join(", ") || t(rids.length ? "traffic.all" : "traffic.none")}`));

/** How far the conference lowers it, because its links are full. @param {PointTraffic} traffic @returns {Row[]} */
function promisedRows({ promised }) {
  if (!promised) return [];
  /** @type {["up" | "down", string][]} */
  const ways = [["down", promised.down], ["up", promised.up]];
  return ways.filter(([, step]) => step !== "full").map(([way, step]) =>
    row(`traffic.lowered_${way}`, t(`links.step.${step}`), "warn"));
}
