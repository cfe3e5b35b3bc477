// The pointer, and what is drawn, over a page of a paper: shown to everybody, and taken from the mouse,
// finger or pen of whoever presents.

/** @import { FromClient, Stroke, ToClient } from "../types/protocol.js" */
/** @import { PageCanvas } from "./page_canvas.js" */
/** @import { Leaf } from "./page_place.js" */
import { make, makeText } from "./dom.js";
import { pick, t } from "./i18n.js";
import { pointed } from "./page_place.js";
import { MAX_PLACES, SCALE, drawn, keyOf, longer, ofLeaf, onCanvas, paintStroke } from "./strokes.js";

const EVERY = 100; // ms between two places of the pointer
const DOT = 0.011; // radius of the pointer, in widths of the page

/** @typedef {"pointer" | "pen" | "marker"} Tool */
/** @type {Tool[]} */
const TOOLS = ["pointer", "pen", "marker"];

/** One place in which pages are shown, with what is drawn on them. */
export class PageStrokes {
  /**
   * @param {PageCanvas} pages
   * @param {Element} bar  gets the buttons of whoever presents
   * @param {(message: FromClient) => void} send
   * @param {(text: string) => void} said  why something was not taken, or ""
   * @param {(() => void) | null} keep  asks that what is drawn be kept; null where nobody may
   */
  constructor(pages, bar, send, said, keep) {
    this.pages = pages;
    this.bar = bar;
    this.send = send;
    this.said = said;
    this.refused = false;
    /** @type {ReadonlyMap<string, Stroke[]>} */
    this.known = new Map();
    /** @type {Extract<ToClient, {type: "pointer"}> | null} */
    this.pointer = null;
    /** @type {Leaf | null} */
    this.leaf = null;
    /** Whether this page presents. */
    this.leads = false;
    /** @type {Tool | null} */
    this.tool = null;
    /** What is being drawn. @type {number[]} */
    this.places = [];
    this.pointedAt = 0;
    this.timer = 0;
    this.canvas = make("canvas", "strokes", /** @type {Element} */ (pages.canvas.parentElement));
    this.canvas.setAttribute("aria-hidden", "true");
    for (const tool of TOOLS) {
      const button = makeText("button", "", t(`strokes.${tool}`), bar);
      button.dataset.tool = tool;
      button.dataset.text = `strokes.${tool}`; // said anew when the language changes
      button.addEventListener("click", () => this.choose(this.tool === tool ? null : tool));
    }
    for (const [name, whole] of /** @type {[string, boolean][]} */ ([["undo", false], ["clear", true]])) {
      const button = makeText("button", "", t(`strokes.${name}`), bar);
      button.dataset.text = `strokes.${name}`;
      button.dataset.erase = name;
      button.addEventListener("click", () => this.leaf && send({ type: "erase", ...ofLeaf(this.leaf), whole }));
    }
    if (keep) {
      const button = makeText("button", "", t("strokes.keep"), bar);
      button.dataset.text = "strokes.keep";
      button.dataset.keep = "";
      button.addEventListener("click", keep);
    }
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => this.moved(event));
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => this.finish());
    this.canvas.addEventListener("pointerleave", () => this.pointNowhere());
  }

  /** @param {ToClient} message */
  receive(message) {
    if (message.type === "strokes") {
      this.known = drawn(this.known, message);
      if (this.refused) this.said("");
      this.refused = false;
    } else if (message.type === "error" && this.leads) {
      this.refused = true; // what was drawn is not there; the sentence says why
      this.said(pick(message.sentence));
    } else if (message.type === "pointer") this.pointer = message;
    else return;
    this.paint();
  }

  /** A page is looked at, or none. @param {Leaf | null} leaf @param {boolean} leads */
  show(leaf, leads) {
    if (!leaf || !this.leaf || keyOf(ofLeaf(leaf)) !== keyOf(ofLeaf(this.leaf))) this.places = [];
    this.leaf = leaf;
    this.leads = leads && leaf !== null;
    this.bar.toggleAttribute("hidden", !this.leads);
    this.bar.setAttribute("aria-label", t("strokes.tools"));
    if (!this.leads) this.tool = null;
    const any = leaf !== null && (this.known.get(keyOf(ofLeaf(leaf)))?.length ?? 0) > 0;
    for (const button of this.bar.querySelectorAll("button")) {
      if (button.dataset.tool) button.setAttribute("aria-pressed", String(button.dataset.tool === this.tool));
      else if (button.dataset.erase) button.disabled = !any;
    }
    this.canvas.classList.toggle("drawing", this.tool !== null);
    this.paint();
  }

  /** @param {Tool | null} tool */
  choose(tool) {
    if (this.tool === "pointer") this.pointNowhere();
    this.tool = tool;
    this.show(this.leaf, this.leads);
  }

  /** Where on the page the mouse is, or null. @param {PointerEvent} event */
  at(event) {
    const { placed, canvas } = this.pages;
    if (!placed || !canvas.clientWidth) return null;
    const sharp = canvas.width / canvas.clientWidth;
    return pointed(placed, event.offsetX * sharp, event.offsetY * sharp);
  }

  /** @param {PointerEvent} event */
  down(event) {
    const at = this.at(event);
    if (!at || !this.leaf || !this.tool || event.button !== 0) return;
    event.preventDefault();
    if (this.tool === "pointer") return this.point(at);
    this.canvas.setPointerCapture(event.pointerId);
    this.places = longer([], at);
    this.paint();
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const at = this.at(event);
    if (!at || !this.leaf || !this.tool) return;
    if (this.tool === "pointer") return this.point(at);
    if (!this.places.length) return;
    this.places = longer(this.places, at);
    if (this.places.length >= 2 * MAX_PLACES) {
      const last = this.places.slice(-2);
      this.finish();
      this.places = last; // goes on where that ended
    }
    this.paint();
  }

  /** What was drawn is told to everybody; it comes back as what all see. */
  finish() {
    const { places, leaf, tool } = this;
    this.places = [];
    if (!places.length || !leaf || !tool || tool === "pointer") return;
    this.send({ type: "draw", ...ofLeaf(leaf), stroke: { tool, places } });
  }

  /** @param {{x: number, y: number}} at */
  point(at) {
    const { leaf } = this;
    if (!leaf) return;
    const place = /** @type {[number, number]} */ ([Math.round(at.x * SCALE), Math.round(at.y * SCALE)]);
    this.pointer = { type: "pointer", ...ofLeaf(leaf), at: place };
    this.paint();
    clearTimeout(this.timer);
    const wait = this.pointedAt + EVERY - Date.now();
    const tell = () => {
      this.pointedAt = Date.now();
      this.send({ type: "point_at", ...ofLeaf(leaf), at: place });
    };
    if (wait <= 0) tell();
    else this.timer = window.setTimeout(tell, wait); // the last place is not left out
  }

  pointNowhere() {
    if (this.tool !== "pointer" || !this.leaf || !this.pointer?.at) return;
    clearTimeout(this.timer);
    this.pointer = null;
    this.send({ type: "point_at", ...ofLeaf(this.leaf), at: null });
    this.paint();
  }

  /** Draw all over the page that is there. */
  paint() {
    const { leaf, canvas } = this;
    const { canvas: under, placed } = this.pages;
    if (canvas.width !== under.width || canvas.height !== under.height) [canvas.width, canvas.height] = [under.width, under.height];
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    canvas.dataset.strokes = "0";
    if (!leaf || !placed || under.dataset.page !== String(leaf.page) || under.dataset.paper !== leaf.paper.id) return;
    const key = keyOf(ofLeaf(leaf));
    const strokes = this.known.get(key) ?? [];
    canvas.dataset.strokes = String(strokes.length); // for tests
    for (const stroke of strokes) paintStroke(pen, stroke, placed);
    if (this.places.length && this.tool && this.tool !== "pointer") paintStroke(pen, { tool: this.tool, places: this.places }, placed);
    if (this.pointer?.at && keyOf(this.pointer) === key) {
      const [x, y] = onCanvas(this.pointer.at[0], this.pointer.at[1], placed);
      pen.beginPath();
      pen.arc(x, y, Math.max(5, placed.width * DOT), 0, 2 * Math.PI);
      pen.fillStyle = "#e11414";
      pen.fill();
      pen.lineWidth = Math.max(2, placed.width * DOT * 0.3);
      pen.strokeStyle = "#fff";
      pen.stroke();
    }
  }
}
