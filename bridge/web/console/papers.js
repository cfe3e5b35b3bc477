// Papers on the console: bringing them, choosing which page everybody is shown, and turning pages.

/** @import { ConferenceView, PaperList, PaperView, ToClient } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Orders } from "./orders.js" */
import { addressOf, get, post, remove, send } from "../common/api.js";
import { confirmed } from "../common/dialog.js";
import { byId, elementOf, make, makeText, refill, setText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { PageCanvas } from "../common/page_canvas.js";
import { leafOf, pageAfter, pointed } from "../common/page_place.js";
import { PageStrip } from "../common/page_strip.js";
import { PageStrokes } from "../common/page_strokes.js";
import { errorText } from "../common/refused.js";

const PATIENCE = 20000; // ms for a page
const MEGABYTE = 1e6;
const ZOOM_STEP = 1.5;
const MAX_ZOOM = 8;

/** The dialog with the papers of a conference, and the page that is shown beside the desk. */
export class Papers {
  /** @param {Client} client @param {Orders} orders */
  constructor(client, orders) {
    this.client = client;
    this.orders = orders;
    /** @type {PaperList | null} */
    this.list = null;
    this.listed = ""; // what the list was asked for
    /** Whether the small pictures of pages are shown. */
    this.strip = false;
    /** @param {string} text */
    const say = (text) => setText(byId("paper-why"), text);
    this.canvas = new PageCanvas(byId("paper-page"), fetchPage, say, () => this.strokes?.paint());
    this.strokes = new PageStrokes(this.canvas, byId("paper-tools"), (message) => client.connection.send(message), say, () => this.keepStrokes());
    this.pages = new PageStrip(byId("paper-strip"), fetchPage, (page) => this.goTo(page));
    byId("paper-all").addEventListener("click", () => {
      this.strip = !this.strip;
      this.render();
    });
    byId("paper-back").addEventListener("click", () => this.turn(-1));
    byId("paper-next").addEventListener("click", () => this.turn(1));
    byId("paper-away").addEventListener("click", () => orders.command({ type: "put_away" }));
    byId("paper-larger").addEventListener("click", () => this.zoom(ZOOM_STEP));
    byId("paper-smaller").addEventListener("click", () => this.zoom(1 / ZOOM_STEP));
    byId("paper-page").addEventListener("click", (event) => this.point(event));
    elementOf("paper-number", HTMLInputElement).addEventListener("change", (event) => this.jump(event));
    byId("papers-close").addEventListener("click", () => this.dialog.close());
    byId("paper-form").addEventListener("submit", (event) => this.bring(event));
  }

  get dialog() {
    return elementOf("papers", HTMLDialogElement);
  }

  open() {
    setText(byId("papers-answer"), "");
    this.listed = "";
    this.dialog.showModal();
    this.render();
  }

  // --- the page that is shown ---------------------------------------------------------------

  get leaf() {
    const leaf = leafOf(this.client.state.conference, null);
    return leaf?.paper ? leaf : null;
  }

  /** Turn pages for everybody. @param {number} step */
  turn(step) {
    const { leaf } = this;
    if (!leaf) return this.open();
    this.goTo(pageAfter(leaf.paper, leaf.page, step));
  }

  /** Show everybody a page of the paper that is shown. @param {number} page */
  goTo(page) {
    if (this.leaf && page !== this.leaf.page) this.orders.command({ type: "show_page", page });
  }

  /** What is pointed at and drawn. @param {ToClient} message */
  receive(message) {
    this.strokes.receive(message);
  }

  /** What is drawn becomes a paper. */
  async keepStrokes() {
    const id = this.client.state.conference?.id;
    if (!id) return;
    setText(byId("paper-why"), t("strokes.keeping"));
    try {
      const { papers } = await post("/conferences/{id}/strokes", { id }, undefined);
      setText(byId("paper-why"), t("strokes.kept", { title: papers.map(({ title }) => title).join(", ") }));
    } catch (error) {
      setText(byId("paper-why"), errorText(error));
    }
  }

  /** @param {Event} event */
  jump(event) {
    const page = Number(/** @type {HTMLInputElement} */ (event.target).value);
    if (this.leaf && Number.isInteger(page) && page > 0) this.orders.command({ type: "show_page", page });
    this.canvas.canvas.focus();
  }

  /** @param {number} factor */
  zoom(factor) {
    const { leaf } = this;
    if (!leaf) return;
    const zoom = Math.max(1, Math.min(MAX_ZOOM, leaf.look.zoom * factor));
    this.orders.command({ type: "show_page", page: leaf.page, zoom, x: leaf.look.x, y: leaf.look.y });
  }

  /** What is clicked becomes the middle, where the page is larger than its place. @param {MouseEvent} event */
  point(event) {
    const { leaf } = this;
    const { placed, canvas } = this.canvas;
    if (!leaf || !placed || leaf.look.zoom <= 1) return;
    const sharp = canvas.width / canvas.clientWidth;
    const { x, y } = pointed(placed, event.offsetX * sharp, event.offsetY * sharp);
    this.orders.command({ type: "show_page", page: leaf.page, zoom: leaf.look.zoom, x, y });
  }

  // --- the list -----------------------------------------------------------------------------

  render() {
    const { conference } = this.client.state;
    const { leaf } = this;
    byId("paper-box").hidden = !leaf;
    if (leaf) {
      setText(byId("paper-title"), leaf.paper.title);
      setText(byId("paper-pages"), t("paper.of", { pages: String(leaf.paper.pages) }));
      const number = elementOf("paper-number", HTMLInputElement);
      if (document.activeElement !== number) number.value = String(leaf.page);
      this.canvas.canvas.setAttribute("aria-label", t("paper.page_name", { title: leaf.paper.title, page: String(leaf.page) }));
    }
    byId("paper-all").setAttribute("aria-pressed", String(this.strip));
    this.pages.show(leaf, this.strip);
    this.canvas.show(leaf);
    this.strokes.show(leaf, this.client.state.mayDirect && [null, this.client.state.user].includes(conference?.director ?? null));
    if (conference && this.dialog.open) this.renderList(conference);
  }

  /** @param {ConferenceView} conference */
  renderList(conference) {
    const wanted = JSON.stringify([conference.id, conference.papers]);
    if (wanted !== this.listed) this.load(conference.id, wanted);
    const mine = new Set(conference.papers.map((paper) => paper.id));
    const papers = (this.list?.papers ?? []).filter((paper) => mine.has(paper.id) || paper.of === conference.id);
    const shown = conference.showing?.paper ?? "";
    byId("papers-none").hidden = papers.length > 0 || !this.list;
    byId("papers-unscanned").hidden = this.list?.scanner !== false;
    byId("papers-pdf-only").hidden = this.list?.office !== false;
    refill(byId("paper-list"), [papers, shown], () => {
      for (const paper of papers) this.row(paper, paper.id === shown);
    });
  }

  /** @param {string} conference @param {string} wanted */
  async load(conference, wanted) {
    this.listed = wanted;
    const found = await get("/papers").catch(() => null);
    if (!found || this.listed !== wanted) return;
    this.list = found;
    this.render();
  }

  /** @param {PaperView} paper @param {boolean} shown */
  row(paper, shown) {
    const row = make("li", shown ? "shown" : "", byId("paper-list"));
    makeText("strong", "", paper.title, row);
    const facts = [
      t("papers.facts", { version: String(paper.version), pages: String(paper.pages), size: (paper.octets / MEGABYTE).toFixed(1) }),
      t("papers.checksum", { sha256: paper.sha256.slice(0, 16) }),
      paper.scripts ? t("papers.scripts") : "",
      paper.scanned ? t("papers.clean") : t("papers.unscanned"),
      paper.points.length ? t("papers.some_rooms", { points: paper.points.join(", ") }) : t("papers.all_rooms"),
      t(paper.collect ? "papers.collected" : "papers.stays"),
    ];
    makeText("p", "sub", facts.filter(Boolean).join(" · "), row);
    const buttons = make("p", "row", row);
    /** @param {string} key @param {() => void} work */
    const button = (key, work) => makeText("button", "", t(key), buttons).addEventListener("click", work);
    button("papers.show", () => this.show(paper));
    button("papers.new_version", () => this.replace(paper));
    const link = makeText("a", "button", t("papers.save"), buttons);
    link.href = addressOf("/papers/{id}/file", { id: paper.id });
    button("papers.remove", () => this.remove(paper));
  }

  /** @param {PaperView} paper */
  async show(paper) {
    if (await this.orders.command({ type: "show_page", paper: paper.id, page: 1 })) this.dialog.close();
    else setText(byId("papers-answer"), byId("answer").textContent ?? "");
  }

  /** @param {PaperView} paper */
  async remove(paper) {
    if (!(await confirmed(t("papers.remove_sure", { title: paper.title }), t("papers.remove")))) return;
    await this.changing(() => remove("/papers/{id}", { id: paper.id }));
  }

  /** @param {PaperView} paper */
  replace(paper) {
    const input = elementOf("paper-file", HTMLInputElement);
    const file = input.files?.[0];
    if (!file) {
      setText(byId("papers-answer"), t("papers.choose_first"));
      input.focus();
      return;
    }
    this.send(file, { replaces: paper.id, name: file.name });
  }

  /** @param {Event} event */
  bring(event) {
    event.preventDefault();
    const file = elementOf("paper-file", HTMLInputElement).files?.[0];
    const conference = this.client.state.conference?.id;
    if (!file || !conference) return;
    const keep = elementOf("paper-collect", HTMLInputElement).checked ? undefined : "1";
    this.send(file, { of: conference, name: file.name, keep });
  }

  /** @param {File} file @param {import("../common/api.js").Values} values */
  async send(file, values) {
    setText(byId("papers-answer"), t("papers.sending"));
    await this.changing(async () => {
      await send(addressOf("/papers", values), { method: "POST", body: file });
      elementOf("paper-form", HTMLFormElement).reset();
    });
  }

  /** @param {() => Promise<void>} work */
  async changing(work) {
    try {
      await work();
      setText(byId("papers-answer"), "");
    } catch (error) {
      setText(byId("papers-answer"), errorText(error));
    }
    this.listed = "";
    this.render();
  }
}

/** @param {string} address */
async function fetchPage(address) {
  return (await send(`/api/v1${address}`, { signal: AbortSignal.timeout(PATIENCE) })).blob();
}
