// What was decided, on the console: the field in which it is written down, and what stands already.

/** @import { Client } from "../common/client.js" */
/** @import { Orders } from "./orders.js" */
import { runningItem } from "../common/agenda.js";
import { byId, elementOf, make, makeText, refill, setText } from "../common/dom.js";
import { oneLine } from "../common/format.js";
import { language, t } from "../common/i18n.js";
import { toDesk } from "./keyboard.js";

/** The field and the list beside the desk. */
export class Minutes {
  /** @param {Client} client @param {Orders} orders */
  constructor(client, orders) {
    this.client = client;
    this.orders = orders;
    /** The decision that is being reworded; 0: a new one is written. */
    this.edited = 0;
    this.field.addEventListener("keydown", (event) => this.pressed(event));
  }

  get field() {
    return elementOf("decision-text", HTMLTextAreaElement);
  }

  /** Write a new one. */
  begin() {
    if (byId("minutes-box").hidden) return this.orders.say(t("refusal.not_started"), false);
    this.field.focus();
  }

  /** Enter keeps it, Escape leaves it. @param {KeyboardEvent} event */
  pressed(event) {
    if (event.isComposing || event.repeat) return; // an input method is still writing
    if (event.key === "Escape") {
      if (this.edited) this.reword(0, ""); // what is not yet kept of a new one stays for later
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.save();
    }
  }

  async save() {
    const { field, edited } = this;
    const written = field.value;
    const text = oneLine(written);
    if (!text) return;
    const done = await this.orders.command(
      edited ? { type: "edit_decision", decision: edited, text } : { type: "note_decision", text },
    );
    if (!done || field.value !== written) return; // refused, or already written on
    this.reword(0, "");
    if (document.activeElement === field) toDesk();
  }

  /** Which decision the field is about, and what stands in it. @param {number} number @param {string} text */
  reword(number, text) {
    this.edited = number;
    this.field.value = text;
    this.render();
  }

  render() {
    const { state } = this.client;
    const { conference } = state;
    const decisions = conference?.decisions ?? [];
    byId("minutes-box").hidden = conference?.phase !== "live";
    if (this.edited && !decisions.some(({ number }) => number === this.edited)) this.edited = 0;
    this.field.disabled = !state.mayDirect;
    const item = runningItem(conference);
    const place = item ? t("decision.on_item", { title: item.title }) : t("decision.on_none");
    setText(byId("decision-label"), this.edited ? t("decision.edits", { number: String(this.edited) }) : place);
    refill(byId("decisions"), [decisions, conference?.agenda, language(), state.mayDirect], () => {
      for (const { number, text, item: of } of decisions) {
        const row = make("li", "", byId("decisions"));
        row.dataset.decision = String(number);
        row.value = number;
        makeText("span", "grow", text, row);
        const matter = conference?.agenda.find((entry) => entry.number === of);
        if (matter) row.title = matter.title;
        this.button(row, "edit", number, () => {
          this.reword(number, text);
          this.field.focus();
        });
        this.button(row, "withdraw", number, () => this.orders.command({ type: "withdraw_decision", decision: number }));
      }
    });
  }

  /** @param {Element} row @param {"edit" | "withdraw"} name @param {number} number @param {() => void} act */
  button(row, name, number, act) {
    const button = makeText("button", "", t(`decision.${name}`), row);
    button.setAttribute("aria-label", `${t(`decision.${name}`)}: ${number}`);
    button.disabled = !this.client.state.mayDirect;
    button.addEventListener("click", act);
  }
}
