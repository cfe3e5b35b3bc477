// Draws pages of papers, which come as pictures from the bridge, into a canvas. The page before stays
// until the next one is there; pictures used last, and the one that comes next, are kept.

/** @import { Leaf } from "./page_place.js" */
import { make } from "./dom.js";
import { placement, wanted } from "./page_place.js";
import { errorText } from "./refused.js";

const KEPT = 6; // pictures
const AGAIN = 1000; // ms until a page that did not come is asked for again

/** One place in which pages are shown. */
export class PageCanvas {
  /**
   * @param {Element} parent
   * @param {(address: string) => Promise<Blob>} fetched  gets a page of the paper's address; may throw
   * @param {(text: string) => void} failed  why a page does not come, or ""
   * @param {() => void} painted  a page was drawn, or forgotten
   */
  constructor(parent, fetched, failed, painted) {
    this.fetched = fetched;
    this.failed = failed;
    this.painted = painted;
    this.canvas = make("canvas", "page", parent);
    this.canvas.setAttribute("role", "img");
    /** @type {Map<string, Promise<ImageBitmap>>} */
    this.pictures = new Map();
    /** @type {Leaf | null} */
    this.leaf = null;
    this.asked = "";
    this.timer = 0;
    /** Where the page was drawn last. @type {ReturnType<typeof placement> | null} */
    this.placed = null;
    new ResizeObserver(() => this.show(this.leaf)).observe(parent);
  }

  /** Show a page; null for none. @param {Leaf | null} leaf */
  show(leaf) {
    this.leaf = leaf;
    clearTimeout(this.timer);
    if (!leaf) {
      this.asked = "";
      this.forget();
      return;
    }
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return; // shown later: the observer says when
    const sharp = devicePixelRatio || 1;
    const address = addressOf(leaf, wanted(width * leaf.look.zoom * sharp));
    const asked = `${address} ${leaf.look.zoom} ${leaf.look.x} ${leaf.look.y} ${width} ${height}`;
    if (asked === this.asked) return;
    this.asked = asked;
    this.draw(leaf, address, asked);
  }

  /** @param {Leaf} leaf @param {string} address @param {string} asked */
  async draw(leaf, address, asked) {
    try {
      const picture = await this.picture(address);
      if (asked !== this.asked) return; // meanwhile another page is wanted
      this.paint(picture, leaf);
      this.failed("");
    } catch (error) {
      this.pictures.delete(address);
      if (asked !== this.asked) return;
      this.asked = "";
      this.failed(errorText(error));
      this.timer = window.setTimeout(() => this.show(this.leaf), AGAIN);
    }
    if (leaf.page < leaf.paper.pages) {
      const next = addressOf({ ...leaf, page: leaf.page + 1 }, Number(new URLSearchParams(address.split("?")[1]).get("width")));
      this.picture(next).catch(() => this.pictures.delete(next));
    }
  }

  /** @param {ImageBitmap} picture @param {Leaf} leaf */
  paint(picture, leaf) {
    const { canvas } = this;
    const sharp = devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * sharp);
    canvas.height = Math.round(canvas.clientHeight * sharp);
    const { left, top, width, height } = (this.placed = placement(picture, canvas, leaf.look));
    canvas.getContext("2d")?.drawImage(picture, left, top, width, height);
    canvas.dataset.page = String(leaf.page);
    canvas.dataset.paper = leaf.paper.id;
    canvas.dataset.at = String(Date.now()); // for tests: when it was shown
    this.painted();
  }

  /** @param {string} address */
  picture(address) {
    const known = this.pictures.get(address);
    this.pictures.delete(address);
    const picture = known ?? this.fetched(address).then((blob) => createImageBitmap(blob));
    this.pictures.set(address, picture);
    for (const [oldest, kept] of this.pictures) {
      if (this.pictures.size <= KEPT) break;
      this.pictures.delete(oldest);
      kept.then((bitmap) => bitmap.close(), () => {});
    }
    return picture;
  }

  /** Nothing of a paper stays in a page that shows none. */
  forget() {
    for (const kept of this.pictures.values()) kept.then((bitmap) => bitmap.close(), () => {});
    this.pictures.clear();
    this.canvas.width = this.canvas.height = 0;
    delete this.canvas.dataset.page;
    delete this.canvas.dataset.paper;
    this.painted();
  }
}

/** @param {Leaf} leaf @param {number} width  px */
const addressOf = ({ paper, page }, width) =>
  `/papers/${encodeURIComponent(paper.id)}/pages/${page}?version=${paper.version}&width=${step(width)}`;

/** Widths that differ little are one picture. @param {number} width */
const step = (width) => Math.min(3840, Math.ceil(width / 320) * 320);
