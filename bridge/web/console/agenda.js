// The agenda on the console: its items with the clock of the one that runs, and the dialog in which
// it is written.

/** @import { Client } from "../common/client.js" */
/** @import { Orders } from "./orders.js" */
import { entriesOf, itemClock, textOf } from "../common/agenda.js";
import { byId, elementOf, make, makeText, refill, setText } from "../common/dom.js";
import { language, pick, t } from "../common/i18n.js";
import { pointOf } from "../common/state.js";

/** The list beside the desk, and its dialog. */
export class Agenda {
  /** @param {Client} client @param {Orders} orders */
  constructor(client, orders) {
    this.client = client;
    this.orders = orders;
    byId("agenda-edit").addEventListener("click", () => this.open());
    byId("agenda-close").addEventListener("click", () => this.dialog.close());
    byId("agenda-save").addEventListener("click", () => this.save());
  }

  get dialog() {
    return elementOf("agenda-dialog", HTMLDialogElement);
  }

  /** Write the agenda: a line an item. */
  open() {
    const text = elementOf("agenda-text", HTMLTextAreaElement);
    text.value = textOf(this.client.state.conference?.agenda ?? []);
    setText(byId("agenda-problem"), "");
    this.dialog.showModal();
    text.focus();
  }

  async save() {
    const items = entriesOf(elementOf("agenda-text", HTMLTextAreaElement).value);
    if (await this.orders.command({ type: "agenda", items })) this.dialog.close();
    else setText(byId("agenda-problem"), byId("answer").textContent ?? "");
  }

  render() {
    const { state } = this.client;
    const { conference } = state;
    const agenda = conference?.agenda ?? [];
    const list = byId("agenda");
    elementOf("agenda-edit", HTMLButtonElement).disabled = !state.mayDirect;
    refill(list, [agenda, conference?.item, conference?.items_begun, language(), state.mayDirect], () => {
      for (const { number, title, point, minutes } of agenda) {
        const runs = conference?.item?.number === number;
        const row = make("li", runs ? "runs" : conference?.items_begun.includes(number) ? "done" : "", list);
        row.dataset.item = String(number);
        if (runs) row.setAttribute("aria-current", "true");
        const words = make("span", "grow", row);
        makeText("span", "", title, words);
        const sub = [point && pick(pointOf(state, point)?.name), minutes && t("agenda.minutes", { minutes: String(minutes) })];
        makeText("span", "sub", sub.filter(Boolean).join(", "), words);
        if (runs) continue;
        const button = makeText("button", "", t("agenda.begin"), row);
        button.setAttribute("aria-label", `${t("agenda.begin")}: ${title}`);
        button.disabled = !state.mayDirect;
        button.addEventListener("click", () => this.orders.command({ type: "next_item", number }));
      }
      if (!agenda.length) makeText("li", "sub", t("agenda.none"), list);
    });
    this.tick();
  }

  /** What changes with time alone. */
  tick() {
    const { state, now } = this.client;
    const clock = itemClock(state.conference, now);
    const element = byId("item-clock");
    element.hidden = clock === null;
    setText(element, clock?.text ?? "");
    element.classList.toggle("late", clock?.over ?? false);
  }
}
