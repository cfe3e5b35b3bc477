// The line for typed commands, with its list of suggestions (the ARIA pattern "combobox").

/** @import { Suggestion } from "./suggest.js" */
/** @import { Desk } from "./desk.js" */
/** @import { Orders } from "./orders.js" */
import { byId, elementOf, make, makeText } from "../common/dom.js";
import { toDesk } from "./keyboard.js";
import { suggestions } from "./suggest.js";

const NONE = -1;

/** The command line at the side of the desk. */
export class CommandLine {
  /** @param {Desk} desk @param {Orders} orders */
  constructor(desk, orders) {
    this.desk = desk;
    this.orders = orders;
    this.input = elementOf("line", HTMLInputElement);
    this.list = byId("suggestions");
    /** @type {Suggestion[]} */
    this.shown = [];
    this.chosen = NONE;
    this.input.addEventListener("input", () => this.offer());
    this.input.addEventListener("focus", () => this.offer());
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    byId("typed").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  /** Begin a line. @param {string} text */
  begin(text) {
    if (text) this.input.value = text;
    this.input.focus();
    this.offer();
  }

  /** Show what the line may become. */
  offer() {
    this.shown = suggestions(this.input.value, this.desk.client.state);
    this.chosen = NONE;
    this.list.replaceChildren();
    this.shown.forEach((entry, index) => {
      const row = make("li", "", this.list);
      row.id = `suggestion-${index}`;
      row.setAttribute("role", "option");
      makeText("code", "", entry.label, row);
      makeText("span", "sub", entry.hint, row);
      row.addEventListener("pointerdown", (event) => {
        event.preventDefault(); // the line keeps the focus
        this.take(index);
      });
    });
    this.list.hidden = this.shown.length === 0;
    this.mark();
  }

  close() {
    this.list.hidden = true;
    this.chosen = NONE;
    this.mark();
  }

  /** Tell assistants and the eye which suggestion is chosen. */
  mark() {
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    [...this.list.children].forEach((row, index) => {
      row.setAttribute("aria-selected", String(index === this.chosen));
      if (index === this.chosen) row.scrollIntoView({ block: "nearest" });
    });
    if (this.chosen === NONE) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `suggestion-${this.chosen}`);
  }

  /** @param {number} index */
  take(index) {
    this.input.value = this.shown[index].text;
    this.offer();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const open = !this.list.hidden;
    const count = this.shown.length;
    if (event.key === "Escape" && open) {
      event.preventDefault(); // the next one leaves the line
      this.close();
    } else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.chosen = this.chosen === NONE && step < 0 ? count - 1 : (this.chosen + step + count) % count;
      this.mark();
    } else if (open && event.key === "Tab" && !event.shiftKey && this.input.value.trim() && count) {
      event.preventDefault();
      this.take(Math.max(0, this.chosen));
    } else if (open && event.key === "Enter" && this.chosen !== NONE) {
      event.preventDefault();
      this.take(this.chosen);
    }
  }

  /** Do what the line says; the keys are the desk's again where it was done. */
  async submit() {
    const text = this.input.value.trim();
    if (!text) {
      toDesk();
      return;
    }
    if (text === "?" || text.toLowerCase() === "end") {
      this.input.value = "";
      toDesk();
      this.desk.perform(text === "?" ? "help" : "end"); // ending asks, however it is said
      return;
    }
    this.close();
    if (!(await this.orders.typed(text))) return;
    // What was typed while the answer was on its way is a line of its own.
    if (this.input.value.trim() === text) this.input.value = "";
    if (!this.input.value) toDesk();
  }
}
