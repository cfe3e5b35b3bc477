// The panel of one point: its picture and sound, what can be done with it, and everything that is
// known of it. It stands in the place of the log until it is closed.

/** @import { PointStatus, PointTraffic } from "../types/protocol.js" */
/** @import { Pictures } from "../common/pictures.js" */
/** @import { PageState } from "../common/state.js" */
/** @import { Row } from "../common/traffic.js" */
/** @import { Action } from "./keys.js" */
import { get } from "../common/api.js";
import { byId, make, makeText, makeVideo, refill, setText } from "../common/dom.js";
import { language, pick, t } from "../common/i18n.js";
import { makeMeter, setMeter } from "../common/meter.js";
import { show } from "../common/pictures.js";
import { whyNoPicture } from "../common/slate.js";
import { pointOf } from "../common/state.js";
import { SECTIONS } from "./sections.js";

const ASK_EVERY = 5000; // ms between questions for what the messages do not tell

/** What is known of one point. */
export class Panel {
  /**
   * @param {Pictures} pictures
   * @param {(action: Action) => void} perform
   * @param {() => void} changed  it was opened or closed
   */
  constructor(pictures, perform, changed) {
    this.pictures = pictures;
    this.changed = changed;
    /** The point that it shows; null: it is closed. @type {string | null} */
    this.point = null;
    /** @type {PointStatus | null} */
    this.status = null;
    /** @type {PointTraffic | null} */
    this.traffic = null;
    this.root = byId("point");
    this.video = makeVideo(byId("point-stage"), "");
    byId("point-stage").prepend(this.video);
    this.meter = makeMeter(byId("point-meter"), true);
    byId("point-close").addEventListener("click", () => this.close());
    for (const button of this.root.querySelectorAll("button[data-do]")) {
      button.addEventListener("click", () => {
        if (button instanceof HTMLElement) perform(/** @type {Action} */ (button.dataset.do));
      });
    }
    setInterval(() => this.ask(), ASK_EVERY);
  }

  /** Texts that change with the language only. */
  build() {
    const root = byId("point-sections");
    root.replaceChildren();
    for (const { name } of SECTIONS) {
      const section = make("section", "", root);
      section.dataset.section = name;
      makeText("h3", "", t(`panel.${name}`), section);
      make("dl", "", section);
    }
    for (const button of this.root.querySelectorAll("button[data-do]")) {
      if (!(button instanceof HTMLElement)) continue;
      const action = button.dataset.do;
      setText(button, t(action === "floor_selected" ? "action.floor" : `action.${action}`));
    }
    byId("point-close").setAttribute("aria-label", t("page.close"));
  }

  /** Show a point. @param {string | null} point */
  open(point) {
    if (point === null || point === this.point) return;
    this.point = point;
    this.status = this.traffic = null;
    this.ask();
    this.changed();
  }

  close() {
    if (this.point === null) return;
    this.point = null;
    this.root.hidden = true;
    byId("side").classList.remove("with-point");
    this.changed();
  }

  /** Ask the bridge for devices, incidents and earlier conferences, and for what it is sent. */
  async ask() {
    const { point } = this;
    if (point === null) return;
    const [status, traffic] = await Promise.all([
      get("/points/{id}", { id: point }).catch(() => null),
      get("/points/{id}/traffic", { id: point }).catch(() => null),
    ]);
    if (point !== this.point) return;
    this.status = status ?? this.status;
    this.traffic = traffic ?? this.traffic;
    this.changed();
  }

  /** @param {PageState} state @param {number} now  UTC seconds */
  render(state, now) {
    const { point, status, traffic } = this;
    if (point === null || !pointOf(state, point)) {
      this.close();
      return;
    }
    this.root.hidden = false;
    byId("side").classList.add("with-point");
    setText(byId("point-title"), pick(pointOf(state, point)?.name));
    const stream = this.pictures.best(state, point);
    show(this.video, stream);
    this.video.classList.toggle("none", stream === null);
    setText(byId("point-slate"), stream ? "" : whyNoPicture(state, point));
    byId("point-slate").classList.toggle("shown", stream === null);
    this.buttons(state, point);
    this.renderLevels(state);
    for (const { name, rows } of SECTIONS) {
      const found = rows({ state, point, now, status, traffic });
      const list = this.root.querySelector(`[data-section="${name}"] dl`);
      if (!(list instanceof HTMLElement)) continue;
      if (list.parentElement) list.parentElement.hidden = !found.length;
      refill(list, [found, language()], () => {
        for (const entry of found) fill(make("div", "", list), entry);
      });
    }
  }

  /** @param {PageState} state @param {string} point */
  buttons(state, point) {
    const seat = state.conference?.seats[point];
    const mine = state.mayDirect && (state.conference?.director ?? state.user) === state.user;
    for (const button of this.root.querySelectorAll("button[data-do]")) {
      if (!(button instanceof HTMLButtonElement)) continue;
      button.disabled = !mine || !seat;
      const action = button.dataset.do;
      if (action === "mute") setText(button, t(seat?.microphone ? "action.mute" : "action.unmute"));
      if (action === "drop") setText(button, t(seat?.dropped ? "action.recall" : "action.drop"));
      if (action === "camera") button.setAttribute("aria-pressed", String(seat?.camera_off ?? false));
    }
  }

  /** @param {PageState} state */
  renderLevels({ levels }) {
    if (this.point !== null) setMeter(this.meter, levels[this.point]);
  }
}

/** @param {HTMLElement} root @param {Row} entry */
function fill(root, { label, text, level, link }) {
  makeText("dt", "", label, root);
  const value = make("dd", "", root);
  if (level) value.dataset.level = level;
  if (link) makeText("a", "", text, value).href = link;
  else value.textContent = text;
}
