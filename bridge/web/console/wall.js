// The wall of tiles: every point's picture, and beside it its name and state, in the fixed order of
// the points.

/** @import { PageState } from "../common/state.js" */
/** @import { Pictures } from "../common/pictures.js" */
import { spark } from "../common/chart.js";
import { make, makeVideo, setMark } from "../common/dom.js";
import { makeMeter, setMeter } from "../common/meter.js";
import { Pager } from "../common/pager.js";
import { show } from "../common/pictures.js";
import { LOSSES } from "../common/state.js";
import { tileOf } from "../common/tile.js";
import { gridOf } from "./grid.js";
import { POINT_KEYS } from "./keys.js";

const MANY = 24; // points from which the monitors leave more room to the wall
const REFLOW = "(max-width: 1100px)"; // as in the style sheet: there the page scrolls

/**
 * @typedef {object} Actions
 * @property {(point: string) => void} open  at a click
 * @property {(point: string) => void} take  at a double click
 * @property {(page: number) => void} turn  asks for another page of points
 *
 * @typedef {ReturnType<Wall["make"]>} Parts  the elements of a tile
 */

/** Tiles of all points. */
export class Wall {
  /** @param {HTMLElement} root @param {Pictures} pictures @param {Actions} actions */
  constructor(root, pictures, actions) {
    this.root = root;
    this.pager = new Pager(actions.turn);
    root.before(this.pager.root);
    this.pictures = pictures;
    this.actions = actions;
    /** @type {Map<string, Parts>} */
    this.tiles = new Map();
    this.names = ""; // by which the grid was made
    this.reflow = matchMedia(REFLOW);
    this.reflow.addEventListener("change", () => this.arrange());
    new ResizeObserver(() => this.arrange()).observe(root);
    root.addEventListener("keydown", (event) => this.move(event));
  }

  /** Make the tiles, where the points are others than before. @param {PageState} state */
  build({ points }) {
    const known = [...this.tiles.keys()];
    if (points.length === known.length && points.every(({ id }, index) => known[index] === id)) return;
    this.root.replaceChildren();
    this.tiles.clear();
    points.forEach(({ id }, index) => this.tiles.set(id, this.make(id, index)));
    this.root.parentElement?.classList.toggle("many", points.length > MANY);
    this.arrange();
  }

  /** @param {string} id @param {number} index */
  make(id, index) {
    const tile = make("button", "cell", this.root);
    tile.dataset.point = id;
    tile.tabIndex = index === 0 ? 0 : -1; // one stop for Tab; arrows go on from there
    tile.addEventListener("click", (event) => {
      if (event.detail < 2) this.actions.open(id);
    });
    tile.addEventListener("dblclick", () => this.actions.take(id));
    const shot = make("span", "shot", tile);
    const video = makeVideo(shot, "");
    const slate = make("span", "absent", shot);
    const strip = make("span", "strip", tile);
    const who = make("span", "who", strip);
    const key = POINT_KEYS[index];
    setMark(make("kbd", key ? "" : "number", who), key ?? String(index + 1));
    const name = make("span", "name", who);
    const marks = make("span", "marks", strip);
    const microphone = make("span", "microphone", marks);
    const talk = make("span", "talk", marks);
    const status = make("span", "status", marks);
    const faults = make("span", "faults", marks);
    const camera = make("span", "steered", marks);
    const lines = make("span", "lines", marks);
    const history = make("span", "history", marks);
    const meter = makeMeter(strip, false);
    for (const part of [shot, strip]) part.setAttribute("aria-hidden", "true");
    return { tile, shot, video, slate, name, status, microphone, faults, talk, camera, lines, history, meter };
  }

  /** The tiles of this page of points. */
  shown() {
    return [...this.tiles.values()].filter(({ tile }) => !tile.hidden);
  }

  /** The live picture of a point, or null where none is shown of it. @param {string} point */
  pictureOf(point) {
    const parts = this.tiles.get(point);
    if (!parts || parts.tile.classList.contains("empty") || parts.video.readyState < 2) return null;
    return parts.video;
  }

  /**
   * The slots of the small pictures, and where they are shown. Those of hidden tiles are left out: a
   * take shows a small picture large until the large one is there.
   * @param {PageState} state
   * @returns {[string, Element | null | undefined][]}
   */
  places(state) {
    return Object.entries(state.shown)
      .filter(([slot]) => slot.startsWith("thumb:"))
      .map(([slot, { stands }]) => /** @type {[string, Element | undefined]} */ ([slot, this.tiles.get(stands)?.shot]))
      .filter(([, shot]) => shot && shot.getClientRects().length > 0);
  }

  /** Give the pictures as much of the area as there is. */
  arrange() {
    const { root } = this;
    const tiles = this.shown();
    const count = tiles.length;
    const { clientWidth: width, clientHeight: height } = root;
    if (this.reflow.matches || !count || !width || !height) {
      root.removeAttribute("style");
      root.classList.remove("beside", "dense", "cut");
      return;
    }
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const longest = Math.max(...tiles.map(({ name }) => name.dataset.mark?.length ?? 0));
    const grid = gridOf(count, width, height, rem, longest);
    root.style.gridTemplateColumns = `repeat(${grid.columns}, minmax(0, 1fr))`;
    root.style.gridTemplateRows = `repeat(${grid.rows}, minmax(0, 1fr))`;
    root.style.setProperty("--picture", `${grid.picture}px`);
    root.classList.toggle("beside", grid.beside);
    root.classList.toggle("dense", grid.dense);
    root.classList.toggle("cut", grid.cut);
  }

  /** Arrows go from tile to tile. @param {KeyboardEvent} event */
  move(event) {
    const tiles = this.shown().map((parts) => parts.tile);
    const now = tiles.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const columns = getComputedStyle(this.root).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const next = step === undefined ? undefined : tiles[now + step];
    if (now < 0 || !next) return;
    event.preventDefault();
    this.stop(next);
    next.focus();
  }

  /** Tab comes to this tile. @param {HTMLButtonElement} tile */
  stop(tile) {
    for (const parts of this.tiles.values()) parts.tile.tabIndex = parts.tile === tile ? 0 : -1;
  }

  /**
   * @param {PageState} state
   * @param {number} now  UTC seconds
   * @param {string | null} selected  the point that the operator has chosen
   */
  render(state, now, selected) {
    for (const [id, parts] of this.tiles) {
      const shown = tileOf(state, id, now);
      const stream = this.pictures.small(state, id);
      // A slot that shows somebody else now leaves this tile; without a picture the last one stays.
      if (stream) show(parts.video, stream);
      setMark(parts.name, shown.name);
      setMark(parts.status, shown.badge);
      setMark(parts.slate, shown.picture ? "" : shown.badge || shown.word);
      setMark(parts.lines, shown.line);
      setMark(parts.faults, [...shown.faults, shown.paused].filter(Boolean).join(" · "));
      setMark(parts.talk, shown.talk);
      setMark(parts.camera, shown.camera);
      parts.camera.classList.toggle("bad", shown.cameraFails);
      parts.status.dataset.icon = shown.onAir ? "live" : shown.preview ? "take" : shown.icon;
      parts.microphone.dataset.icon = shown.microphone;
      parts.microphone.classList.toggle("open", shown.open);
      parts.lines.dataset.level = shown.lineLevel;
      parts.lines.classList.toggle("old", shown.old);
      spark(parts.history, shown.losses, LOSSES);
      const { tile } = parts;
      tile.dataset.standing = shown.standing;
      tile.hidden = state.pages > 1 && !state.onPage.has(id);
      for (const [name, on] of Object.entries({ "on-air": shown.onAir, preview: shown.preview, selected: selected === id, empty: !shown.picture })) {
        tile.classList.toggle(name, on);
      }
      tile.setAttribute("aria-label", shown.label);
      tile.setAttribute("aria-pressed", String(selected === id));
      tile.title = [shown.name, shown.details].filter(Boolean).join("\n");
    }
    this.pager.render(state);
    const names = this.shown().map(({ name }) => name.dataset.mark).join();
    if (names !== this.names) this.arrange(); // another page of points, another language
    this.names = names;
  }

  /** @param {PageState} state */
  renderLevels({ levels }) {
    for (const [id, parts] of this.tiles) setMeter(parts.meter, levels[id]);
  }
}
