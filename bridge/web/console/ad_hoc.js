// An ad-hoc meeting: one key opens the choice of points, one starts it with those that are chosen.
// Whoever is ready is chosen at first.

/** @import { Client } from "../common/client.js" */
import { post } from "../common/api.js";
import { byId, make, makeText, refill } from "../common/dom.js";
import { language, pick, t } from "../common/i18n.js";
import { errorText } from "../common/refused.js";
import { POINT_KEYS } from "./keys.js";

const FEWEST = 2; // points of a meeting
const READY = ["ready"]; // what a point is that waits and is in no conference

/** The choice of points for a meeting that nobody has planned. */
export class AdHoc {
  /**
   * @param {Client} client
   * @param {(conference: string) => void} watch  puts a conference on the desk
   * @param {(text: string) => void} alarm  says what went wrong
   */
  constructor(client, watch, alarm) {
    this.client = client;
    this.watch = watch;
    this.alarm = alarm;
    this.open = false;
    this.starting = false;
    /** @type {Set<string>} */
    this.chosen = new Set();
    byId("ad-hoc-open").addEventListener("click", () => this.show());
    byId("ad-hoc-close").addEventListener("click", () => this.hide());
    byId("ad-hoc-start").addEventListener("click", () => this.start());
  }

  show() {
    const { state } = this.client;
    if (this.open || !state.mayDirect) return;
    this.open = true;
    this.chosen = new Set(state.points.map(({ id }) => id).filter((id) => READY.includes(state.presence[id])));
    this.render();
    byId("ad-hoc").scrollIntoView({ block: "nearest" });
  }

  hide() {
    this.open = false;
    this.render();
  }

  /** Choose a point, or leave it out. @param {string | undefined} point */
  toggle(point) {
    if (!point) return;
    if (!this.chosen.delete(point)) this.chosen.add(point);
    this.render();
  }

  /** The point of a key. @param {number} index */
  pressed(index) {
    this.toggle(this.client.state.points[index]?.id);
  }

  async start() {
    if (this.starting || this.chosen.size < FEWEST) return;
    this.starting = true;
    try {
      const points = this.client.state.points.map(({ id }) => id).filter((id) => this.chosen.has(id));
      const opened = await post("/conferences", {}, { points, start: true });
      this.hide();
      this.watch(opened.conference);
    } catch (error) {
      this.alarm(errorText(error));
    } finally {
      this.starting = false;
    }
  }

  render() {
    const { state } = this.client;
    byId("ad-hoc-open").hidden = !state.mayDirect || this.open;
    byId("ad-hoc").hidden = !this.open;
    if (!this.open) return;
    const rows = state.points.map(({ id, name }, index) => ({
      id,
      name: `${POINT_KEYS[index] ? `${POINT_KEYS[index]} · ` : ""}${pick(name)}`,
      on: this.chosen.has(id),
      state: t(`state.${state.presence[id] ?? "offline"}`),
    }));
    refill(byId("ad-hoc-points"), [rows, language()], () => {
      for (const row of rows) {
        const button = make("button", "", make("li", "", byId("ad-hoc-points")));
        button.dataset.point = row.id;
        button.setAttribute("aria-pressed", String(row.on));
        makeText("span", "", `${row.on ? "☑" : "☐"} ${row.name}`, button);
        makeText("span", "sub", row.state, button);
        button.addEventListener("click", () => this.toggle(row.id));
      }
    });
    byId("ad-hoc-start").textContent = t("ad_hoc.start", { count: String(this.chosen.size) });
    byId("ad-hoc-start").toggleAttribute("disabled", this.chosen.size < FEWEST);
  }
}
