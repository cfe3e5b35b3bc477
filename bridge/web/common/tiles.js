// Pictures of points: one tile a point, and the programme. Views only; texts by textContent.

import { pick, t } from "./i18n.js";
import { loudness, pointOf, shownIn } from "./state.js";

const ICONS = { offline: "○", connecting: "◔", in_session: "●", lost: "▲" };

/**
 * @param {string} tag
 * @param {string} className
 * @param {Element} [parent]
 * @returns {HTMLElement}
 */
export function make(tag, className, parent) {
  const element = document.createElement(tag);
  element.className = className;
  parent?.append(element);
  return element;
}

/** @param {Element} parent @param {string} label */
export function makeVideo(parent, label) {
  const video = /** @type {HTMLVideoElement} */ (make("video", "picture", parent));
  video.autoplay = true;
  video.muted = true; // sound comes from the audio slots
  video.playsInline = true;
  video.setAttribute("aria-label", label);
  return video;
}

/** Tiles in the fixed order of the points. */
export class Tiles {
  /**
   * @param {HTMLElement} root
   * @param {((point: string) => void) | null} onTake
   */
  constructor(root, onTake) {
    this.root = root;
    this.onTake = onTake;
    /** @type {Map<string, {tile: HTMLElement, video: HTMLVideoElement, name: HTMLElement, status: HTMLElement, meter: HTMLMeterElement}>} */
    this.tiles = new Map();
  }

  /** @param {import("./state.js").PageState} state */
  build(state) {
    const wanted = state.points.filter((point) => point.id !== state.self);
    if (wanted.length === this.tiles.size && wanted.every((p) => this.tiles.has(p.id))) return;
    this.root.replaceChildren();
    this.tiles.clear();
    for (const point of wanted) {
      const tile = make(this.onTake ? "button" : "div", "tile", this.root);
      tile.dataset.point = point.id;
      if (this.onTake) tile.addEventListener("click", () => this.onTake?.(point.id));
      const video = makeVideo(tile, pick(point.name));
      const caption = make("div", "caption", tile);
      const status = make("span", "status", caption);
      const name = make("span", "name", caption);
      const meter = /** @type {HTMLMeterElement} */ (make("meter", "level", tile));
      meter.max = 1;
      meter.setAttribute("aria-hidden", "true");
      make("div", "badge", tile);
      this.tiles.set(point.id, { tile, video, name, status, meter });
    }
  }

  /** @param {string} point */
  video(point) {
    return this.tiles.get(point)?.video ?? null;
  }

  /** @param {import("./state.js").PageState} state */
  render(state) {
    for (const [id, parts] of this.tiles) {
      const presence = state.presence[id] ?? "offline";
      const name = pick(pointOf(state, id)?.name);
      const onAir = state.onAir === id;
      parts.name.textContent = name;
      parts.status.textContent = ICONS[/** @type {keyof ICONS} */ (presence)] ?? "";
      parts.tile.dataset.presence = presence;
      parts.tile.classList.toggle("on-air", onAir);
      parts.tile.classList.toggle("empty", shownIn(state, `thumb:${id}`) !== id);
      const badge = /** @type {HTMLElement} */ (parts.tile.querySelector(".badge"));
      badge.textContent = onAir ? t("room.on_air") : presence === "in_session" ? "" : t(`state.${presence}`);
      const label = onAir
        ? t("tile.label_on_air", { name })
        : t("tile.label", { name, state: t(`state.${presence}`) });
      parts.tile.setAttribute("aria-label", label);
      if (!this.onTake) parts.tile.setAttribute("role", "group");
    }
  }

  /** @param {import("./state.js").PageState} state */
  renderLevels(state) {
    for (const [id, parts] of this.tiles) parts.meter.value = loudness(state.levels[id]);
  }
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
