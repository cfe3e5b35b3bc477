// Presets of points' cameras: called by a key, from the menu of a tile or from the panel of a point.

/** @import { PresetView } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Orders } from "./orders.js" */
import { byId, make, makeText, refill } from "../common/dom.js";
import { language, pick, t } from "../common/i18n.js";
import { directs, pointOf } from "../common/state.js";
import { aimedAt } from "./actions.js";

/** Calls presets and says what came of it. */
export class Presets {
  /**
   * @param {Client} client
   * @param {Orders} orders
   * @param {() => string | null} selected  the point that the operator has chosen
   * @param {() => void} watching  says that somebody else directs
   */
  constructor(client, orders, selected, watching) {
    this.client = client;
    this.orders = orders;
    this.selected = selected;
    this.watching = watching;
    this.menu = byId("presets");
    byId("tiles").addEventListener("contextmenu", (event) => this.open(event));
  }

  /** A digit's key: the camera of the point that is prepared, else of the one that is chosen. @param {number} number */
  called(number) {
    if (!this.orders.allowed()) return;
    const point = aimedAt(this.client.state, this.selected());
    if (point === null) this.orders.say(t("console.select_first"), false);
    else this.call(point, number);
  }

  /** @param {string} point @param {number} number */
  async call(point, number) {
    const { state } = this.client;
    if (!directs(state)) return this.watching();
    const view = pointOf(state, point);
    const name = view?.presets.find((preset) => preset.number === number)?.name;
    const done = t("preset.done", { name: pick(view?.name), preset: name ? pick(name) : String(number) });
    await this.orders.settle(() => this.client.connection.ask({ type: "preset", point, number }), done);
  }

  /** The menu of a tile, where its camera has presets. @param {MouseEvent} event */
  open(event) {
    const tile = event.target instanceof Element ? event.target.closest(".cell") : null;
    const point = tile instanceof HTMLElement ? tile.dataset.point : undefined;
    const view = point === undefined ? undefined : pointOf(this.client.state, point);
    if (!view?.presets.length) return;
    event.preventDefault();
    this.menu.replaceChildren();
    this.menu.setAttribute("aria-label", t("preset.of", { name: pick(view.name) }));
    for (const preset of view.presets) {
      this.button(preset, this.menu).addEventListener("click", () => {
        this.menu.hidePopover();
        this.call(view.id, preset.number);
      });
    }
    this.menu.showPopover();
    const { offsetWidth: width, offsetHeight: height } = this.menu;
    this.menu.style.inset = `${Math.max(0, Math.min(event.clientY, innerHeight - height))}px auto auto ${Math.max(0, Math.min(event.clientX, innerWidth - width))}px`;
    this.menu.querySelector("button")?.focus();
  }

  /** The buttons in the panel of a point. @param {string | null} point */
  render(point) {
    const root = byId("point-presets");
    const found = (point === null ? undefined : pointOf(this.client.state, point)?.presets) ?? [];
    root.hidden = !found.length;
    refill(root, [point, found, language()], () => {
      for (const preset of found) {
        this.button(preset, root).addEventListener("click", () => point !== null && this.call(point, preset.number));
      }
    });
  }

  /** @param {PresetView} preset @param {Element} parent */
  button({ number, name }, parent) {
    const button = make("button", "", parent);
    makeText("span", "text", pick(name), button);
    makeText("kbd", "", `⇧${number}`, button).setAttribute("aria-hidden", "true");
    return button;
  }
}
