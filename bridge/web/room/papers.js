// Papers in the room: the page that everybody is shown, leafing by oneself and back, and turning pages
// for everybody while this room presents.

/** @import { Client } from "../common/client.js" */
/** @import { Paper, ToClient } from "../types/protocol.js" */
/** @import { Bar } from "./bar.js" */
import { byId, elementOf, keyTarget, make, makeText, refill, setText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { PageCanvas } from "../common/page_canvas.js";
import { leafOf, pageAfter } from "../common/page_place.js";
import { PageStrip } from "../common/page_strip.js";
import { PageStrokes } from "../common/page_strokes.js";
import { sessionCall } from "../common/session_call.js";
import { turnOfKey } from "./keys.js";
import { presents } from "./texts.js";

/** The papers of one room. */
export class Papers {
  /** @param {Client} client @param {() => void} changed  what is shown may be another page */
  constructor(client, changed) {
    this.client = client;
    this.changed = changed;
    /** What this room has leafed to by itself. @type {{paper: string, page: number} | null} */
    this.own = null;
    /** Papers that this room may see beside those of its conference. @type {Paper[]} */
    this.kept = [];
    this.asked = ""; // the conference for which `kept` was asked last
    /** @type {Bar | null} */
    this.bar = null;
    /** Whether the small pictures of pages are shown. */
    this.strip = false;
    /** @param {string} address */
    const fetched = (address) => this.fetch(address);
    /** @param {string} text */
    const say = (text) => setText(byId("paper-why"), text);
    this.canvas = new PageCanvas(byId("paper-page"), fetched, say, () => this.strokes?.paint());
    this.strokes = new PageStrokes(this.canvas, byId("paper-tools"), (message) => client.connection.send(message), say, null);
    this.pages = new PageStrip(byId("paper-strip"), fetched, (page) => this.goTo(page));
    byId("paper-all").addEventListener("click", () => {
      this.strip = !this.strip;
      this.changed();
    });
    byId("paper-back").addEventListener("click", () => this.turn("previous"));
    byId("paper-next").addEventListener("click", () => this.turn("next"));
    byId("paper-follow").addEventListener("click", () => this.turn("follow"));
    byId("paper-shut").addEventListener("click", () => this.turn("follow"));
    byId("paper-own").addEventListener("click", () => this.leave());
    byId("papers-open").addEventListener("click", () => elementOf("papers", HTMLDialogElement).showModal());
    byId("papers-close").addEventListener("click", () => elementOf("papers", HTMLDialogElement).close());
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** Every paper that this room may open, each once. @returns {Paper[]} */
  get papers() {
    const now = this.client.state.conference?.papers ?? [];
    return [...now, ...this.kept.filter((paper) => !now.some(({ id }) => id === paper.id))];
  }

  /** The page that is looked at. */
  get leaf() {
    return leafOf(this.client.state.conference, this.own, this.kept);
  }

  /** Ask what this room may see when it has come into a conference, or out of one. */
  async ask() {
    const { state, connection, link } = this.client;
    const asked = `${connection.session} ${state.conference?.id ?? ""}`;
    if (link !== "up" || asked === this.asked) return;
    this.asked = asked;
    const response = await this.call("/papers").catch(() => null);
    if (!response || asked !== this.asked) return;
    this.kept = (await response.json()).papers;
    this.changed();
  }

  /** What turns pages for everybody. @param {Bar} bar */
  presentBy(bar) {
    this.bar = bar;
  }

  /** Whether a paper has the stage. */
  get shown() {
    return this.leaf !== null;
  }

  /** Whether this room turns pages for everybody now. */
  get leads() {
    return !this.own && presents(this.client.state);
  }

  /** A page's picture. @param {string} address */
  async fetch(address) {
    return (await this.call(address)).blob();
  }

  /** @param {string} address */
  call(address) {
    return sessionCall(this.client.connection.session, `/room${address}`);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const target = keyTarget(event);
    if (!target || target.matches("input, select")) return;
    const turn = turnOfKey(event.key);
    if (!turn || !this.shown) return;
    event.preventDefault();
    this.turn(turn);
  }

  /** Leaf on, leaf back, or follow the presenter again. @param {"next" | "previous" | "follow"} turn */
  turn(turn) {
    const { leaf } = this;
    if (turn === "follow") this.own = null;
    else if (leaf?.paper) return this.goTo(pageAfter(leaf.paper, leaf.page, turn === "next" ? 1 : -1));
    this.changed();
  }

  /** Show a page of the paper that is open: to everybody where this room presents. @param {number} page */
  goTo(page) {
    const { leaf } = this;
    if (leaf?.paper) {
      if (this.leads) this.bar?.command({ type: "show_page", paper: leaf.paper.id, page, point: this.client.state.self ?? "" });
      else this.own = { paper: leaf.paper.id, page };
    }
    this.changed();
  }

  /** Open a paper of the list in this room only. @param {Paper} paper */
  read(paper) {
    elementOf("papers", HTMLDialogElement).close();
    this.own = { paper: paper.id, page: 1 };
    this.changed();
  }

  /** Look at the page by oneself, although this room presents. */
  leave() {
    const { leaf } = this;
    if (leaf?.paper) this.own = { paper: leaf.paper.id, page: leaf.page };
    this.changed();
  }

  /** What is pointed at and drawn. @param {ToClient} message */
  receive(message) {
    this.strokes.receive(message);
  }

  render() {
    const { conference } = this.client.state;
    this.ask();
    const { papers } = this;
    if (this.own && !papers.some((paper) => paper.id === this.own?.paper)) this.own = null; // collected
    const { leaf } = this;
    byId("papers-open").hidden = papers.length === 0;
    refill(byId("paper-list"), papers, () => {
      for (const paper of papers) {
        const name = t("room.paper_line", { title: paper.title, pages: String(paper.pages) });
        makeText("button", "", name, make("li", "", byId("paper-list"))).addEventListener("click", () => this.read(paper));
      }
    });
    byId("paper-stage").hidden = leaf === null;
    const open = leaf?.paper ? leaf : null;
    byId("paper-bar").hidden = !open;
    byId("paper-follow").hidden = !this.own || !conference?.showing;
    byId("paper-shut").hidden = !this.own || Boolean(conference?.showing);
    byId("paper-own").hidden = !this.leads;
    if (leaf && !leaf.paper) setText(byId("paper-why"), t("room.paper_not_for_you"));
    else if (open) {
      setText(byId("paper-title"), open.paper.title);
      setText(byId("paper-number"), t("paper.page_of", { page: String(open.page), pages: String(open.paper.pages) }));
      this.canvas.canvas.setAttribute("aria-label", t("paper.page_name", { title: open.paper.title, page: String(open.page) }));
      setText(byId("paper-mode"), t(this.own ? "room.paper_own" : this.leads ? "room.paper_leads" : "room.paper_follows"));
    }
    byId("paper-all").hidden = !open || open.paper.pages < 2;
    byId("paper-all").setAttribute("aria-pressed", String(this.strip));
    this.pages.show(open, this.strip);
    this.canvas.show(open);
    this.strokes.show(open, this.leads && conference?.showing?.paper === open?.paper.id);
  }
}
