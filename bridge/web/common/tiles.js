// Pictures of points: one tile a point, and the programme. Views only; texts by textContent.

import { spark } from "./chart.js";
import { pick, t } from "./i18n.js";
import { LOSSES, clockText, loudness, pointOf, shownIn, standing } from "./state.js";

/** @type {Record<string, string>} */
const ICONS = {
  offline: "○",
  ready: "◌",
  connecting: "◔",
  in_session: "●",
  requesting: "",
  speaking: "",
  lost: "▲",
};

/**
 * @param {string} tag
 * @param {string} className
 * @param {Element} [parent]
 * @returns {HTMLElement}
 */
export function make(tag, className, parent) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  parent?.append(element);
  return element;
}

/** @param {Element} parent @param {string} label */
export function makeVideo(parent, label) {
  const video = /** @type {HTMLVideoElement} */ (make("video", "picture", parent));
  video.autoplay = true;
  video.muted = true; // sound comes from the audio slots
  video.playsInline = true;
  if (label) video.setAttribute("aria-label", label);
  else video.setAttribute("aria-hidden", "true");
  return video;
}

/** Set a text only where it differs: screen readers read changes. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A mark on a tile is no text for assistants, which read the tile's label: it says all of it in
 * words, and a label must begin with what is written (WCAG 2.5.3).
 * @param {HTMLElement} element @param {string} text
 */
export function setMark(element, text) {
  if (element.dataset.mark !== text) element.dataset.mark = text;
}

/**
 * @typedef {object} Parts
 * @property {HTMLElement} tile
 * @property {HTMLVideoElement} video
 * @property {HTMLElement} name
 * @property {HTMLElement} status
 * @property {HTMLElement} badge
 * @property {HTMLElement} microphone
 * @property {HTMLElement} lines
 * @property {HTMLElement} history
 * @property {HTMLElement} bar
 */

/** Tiles in the fixed order of the points. */
export class Tiles {
  /**
   * @param {HTMLElement} root
   * @param {{select: (point: string) => void, take: (point: string) => void} | null} actions
   */
  constructor(root, actions) {
    this.root = root;
    this.actions = actions;
    /** @type {Map<string, Parts>} */
    this.tiles = new Map();
  }

  /** @param {import("./state.js").PageState} state */
  build(state) {
    const wanted = state.points.filter((point) => point.id !== state.self);
    if (wanted.length === this.tiles.size && wanted.every((p) => this.tiles.has(p.id))) return;
    this.root.replaceChildren();
    this.tiles.clear();
    wanted.forEach((point, index) => {
      const tile = make(this.actions ? "button" : "div", "tile", this.root);
      tile.dataset.point = point.id;
      if (this.actions) {
        const { select, take } = this.actions;
        tile.addEventListener("click", () => select(point.id));
        tile.addEventListener("dblclick", () => take(point.id));
      } else {
        tile.setAttribute("role", "group");
      }
      const video = makeVideo(tile, "");
      const top = make("div", "top", tile);
      const badge = make("span", "badge", top);
      const microphone = make("span", "microphone", top);
      if (this.actions && index < 12) setMark(make("kbd", "", top), "1234567890-="[index]);
      const meter = make("div", "level", tile);
      const bar = make("div", "bar", meter);
      const caption = make("div", "caption", tile);
      const status = make("span", "status", caption);
      const name = make("span", "name", caption);
      const quality = make("div", "quality", tile);
      quality.hidden = !this.actions;
      const history = make("span", "history", quality);
      const lines = make("span", "lines", quality);
      for (const part of [top, caption, meter, quality]) part.setAttribute("aria-hidden", "true");
      this.tiles.set(point.id, { tile, video, name, status, badge, microphone, lines, history, bar });
    });
  }

  /** @param {string} point */
  video(point) {
    return this.tiles.get(point)?.video ?? null;
  }

  /**
   * @param {import("./state.js").PageState} state
   * @param {string | null} [selected]
   */
  render(state, selected = null) {
    for (const [id, parts] of this.tiles) {
      const does = standing(state, id);
      const name = pick(pointOf(state, id)?.name);
      const conference = state.conference;
      const onAir = conference?.on_air === id;
      const preview = conference?.preview === id;
      const seat = conference?.seats[id];
      setText(parts.name, name);
      setMark(parts.status, ICONS[does] ?? "");
      parts.tile.dataset.standing = does;
      parts.tile.classList.toggle("on-air", onAir);
      parts.tile.classList.toggle("preview", preview);
      parts.tile.classList.toggle("selected", selected === id);
      parts.tile.classList.toggle("empty", shownIn(state, `thumb:${id}`) !== id);
      const badge = onAir
        ? t("room.on_air")
        : preview
          ? t("console.preview")
          : does === "in_session"
            ? ""
            : t(`state.${does}`);
      setMark(parts.badge, badge);
      parts.microphone.dataset.icon = seat ? microphoneIcon(seat) : "";
      parts.status.dataset.icon = does === "requesting" ? "hand" : does === "speaking" ? "microphone" : "";
      parts.microphone.classList.toggle("open", seat?.microphone ?? false);
      const line = state.lines[id];
      setMark(parts.lines, line && this.actions ? lineMark(line) : "");
      parts.lines.dataset.level = line ? worst(line) : "unknown";
      if (this.actions) spark(parts.history, state.losses[id] ?? [], LOSSES);
      parts.tile.setAttribute("aria-label", label(state, id, name));
      if (this.actions) {
        parts.tile.setAttribute("aria-pressed", String(selected === id));
        parts.tile.title = [pick(seat?.problem), line ? lineText(line) : ""].filter(Boolean).join("\n");
      }
    }
  }

  /** @param {import("./state.js").PageState} state */
  renderLevels(state) {
    for (const [id, parts] of this.tiles) {
      parts.bar.style.transform = `scaleX(${loudness(state.levels[id])})`;
    }
  }
}

/** @param {import("./state.js").Seat} seat */
function microphoneIcon(seat) {
  if (seat.locked) return "locked";
  return seat.microphone ? "microphone" : "muted";
}

/** @param {string} level */
const short = (level) => (level === "unknown" ? "?" : t(`quality.${level}`));

/** @param {import("./state.js").Quality} line */
function lineMark(line) {
  const marks = [];
  if (line.maintenance) marks.push(t("console.maintenance"));
  if (line.reach === "no") marks.push(t("console.reach_no", { seconds: clockText(line.silent) }));
  else marks.push(`↑${short(line.up)} ↓${short(line.down)}`);
  if (line.incidents && !line.maintenance) marks.push(t("console.incidents", { count: String(line.incidents) }));
  return marks.join(" · ");
}

/** All figures in words. @param {import("./state.js").Quality} line */
function lineText(line) {
  if (line.reach !== "yes") return "";
  /** @param {number | null} value */
  const ms = (value) => (value === null ? "–" : value.toFixed(1));
  return t("console.line_detail", {
    up_loss: (100 * line.up_loss).toFixed(1), down_loss: (100 * line.down_loss).toFixed(1),
    up_variation: ms(line.up_variation), down_variation: ms(line.down_variation), rtt: ms(line.rtt_ms),
  });
}

const ORDER = ["unknown", "good", "fair", "poor", "bad"];

/** @param {import("./state.js").Quality} line */
export const worst = (line) =>
  ORDER[Math.max(ORDER.indexOf(line.up), ORDER.indexOf(line.down))] ?? "unknown";

/**
 * "Điểm cầu Khoan Dụ, đang phát biểu, micro mở, đường truyền tốt"
 * @param {import("./state.js").PageState} state
 * @param {string} id
 * @param {string} name
 */
function label(state, id, name) {
  const parts = [t("tile.point", { name })];
  if (state.conference?.on_air === id) parts.push(t("tile.on_air"));
  if (state.conference?.preview === id) parts.push(t("tile.preview"));
  parts.push(t(`state.${standing(state, id)}`).toLowerCase());
  const seat = state.conference?.seats[id];
  if (seat) parts.push(t(seat.microphone ? "tile.microphone_open" : "tile.microphone_closed"));
  const line = state.lines[id];
  if (line) parts.push(t("tile.line", { level: t(`quality.${worst(line)}`).toLowerCase() }));
  return parts.join(", ");
}

/** Sound: one element a slot, in no layout. */
export class Sounds {
  constructor() {
    /** @type {Map<string, HTMLAudioElement>} */
    this.elements = new Map();
    this.blocked = () => {};
  }

  /** @param {string} slot @param {MediaStreamTrack} track */
  attach(slot, track) {
    const element = this.elements.get(slot) ?? new Audio();
    this.elements.set(slot, element);
    element.srcObject = new MediaStream([track]);
    element.play().catch(() => this.blocked());
  }

  /** After a click: browsers let pages sound only then. */
  async unblock() {
    for (const element of this.elements.values()) await element.play();
  }
}
