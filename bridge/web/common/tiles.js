// A room's tiles: every other point's picture, name and state, in the fixed order of the points.

/** @import { PageState } from "./state.js" */
import { make, makeVideo, setMark, setText } from "./dom.js";
import { Pager } from "./pager.js";
import { streamOf } from "./pictures.js";
import { loudness } from "./state.js";
import { tileOf } from "./tile.js";

/** @typedef {ReturnType<Tiles["make"]>} Parts  the elements of a tile */

/** Tiles of all points but the page's own. */
export class Tiles {
  /** @param {HTMLElement} root @param {(page: number) => void} turn  asks for another page of points */
  constructor(root, turn) {
    this.root = root;
    this.pager = new Pager(turn);
    /** @type {Map<string, Parts>} */
    this.tiles = new Map();
    /** What each thumbnail slot receives. @type {Map<string, MediaStream>} */
    this.streams = new Map();
  }

  /** Make the tiles, where the points are others than before. @param {PageState} state */
  build(state) {
    const wanted = state.points.filter((point) => point.id !== state.self);
    if (wanted.length === this.tiles.size && wanted.every((p) => this.tiles.has(p.id))) return;
    this.root.replaceChildren();
    this.tiles.clear();
    for (const { id } of wanted) this.tiles.set(id, this.make(id));
    this.root.append(this.pager.root);
  }

  /** @param {string} id */
  make(id) {
    const tile = make("div", "tile", this.root);
    tile.dataset.point = id;
    tile.setAttribute("role", "group");
    const video = makeVideo(tile, "");
    const top = make("div", "top", tile);
    const badge = make("span", "badge", top);
    const microphone = make("span", "microphone", top);
    const faults = make("span", "faults", top);
    const meter = make("div", "level", tile);
    const bar = make("div", "bar", meter);
    const paused = make("div", "paused-text", tile);
    paused.setAttribute("aria-hidden", "true");
    const caption = make("div", "caption", tile);
    const status = make("span", "status", caption);
    const name = make("span", "name", caption);
    for (const part of [top, caption, meter]) part.setAttribute("aria-hidden", "true");
    return { tile, video, paused, name, status, badge, microphone, faults, bar };
  }

  /** Take in what a slot receives; the state says whose picture it is. @param {string} slot @param {MediaStreamTrack} track @param {boolean} over */
  attach(slot, track, over) {
    this.streams.set(slot, streamOf(track, over ? (this.streams.get(slot) ?? null) : null));
  }

  /** The live picture of a point, or null where none is shown of it. @param {string} point */
  pictureOf(point) {
    const parts = this.tiles.get(point);
    if (!parts || parts.tile.classList.contains("empty") || parts.video.readyState < 2) return null;
    return parts.video;
  }

  /**
   * @param {PageState} state
   * @param {number} now  UTC seconds
   */
  render(state, now) {
    this.pager.render(state);
    for (const [id, parts] of this.tiles) {
      const shown = tileOf(state, id, now);
      setText(parts.name, shown.name);
      setMark(parts.status, shown.mark);
      setMark(parts.badge, shown.badge);
      parts.status.dataset.icon = shown.icon;
      parts.microphone.dataset.icon = shown.microphone;
      parts.microphone.classList.toggle("open", shown.open);
      setMark(parts.faults, shown.faults.join(" · "));
      parts.tile.dataset.standing = shown.standing;
      parts.tile.classList.toggle("on-air", shown.onAir);
      parts.tile.classList.toggle("empty", shown.picture === null);
      parts.tile.classList.toggle("paused", shown.paused !== "");
      setMark(parts.paused, shown.paused);
      parts.tile.hidden = state.pages > 1 && !state.onPage.has(id);
      // A slot that shows somebody else now leaves this tile; without a picture the last one stays.
      const stream = shown.picture === null ? null : (this.streams.get(shown.picture) ?? null);
      if (stream && parts.video.srcObject !== stream) parts.video.srcObject = stream;
      parts.tile.setAttribute("aria-label", shown.label);
    }
  }

  /**
   * The slots of the small pictures, and the tiles that show them. Those of tiles that are hidden are
   * left out: a take shows a small picture large until the large one is there.
   * @param {PageState} state
   * @returns {[string, Element | null | undefined][]}
   */
  pictures(state) {
    return Object.entries(state.shown)
      .filter(([slot]) => slot.startsWith("thumb:"))
      .map(([slot, { stands }]) => /** @type {[string, Element | undefined]} */ ([slot, this.tiles.get(stands)?.tile]))
      .filter(([, tile]) => tile && tile.getClientRects().length > 0);
  }

  /** @param {PageState} state */
  renderLevels(state) {
    for (const [id, parts] of this.tiles) {
      parts.bar.style.transform = `scaleX(${loudness(state.levels[id])})`;
    }
  }

  /** Put tiles in another order on the screen. @param {string[]} points */
  order(points) {
    points.forEach((id, index) => {
      const parts = this.tiles.get(id);
      if (parts) parts.tile.style.order = String(index);
    });
  }
}
