// Who may watch: the dialog with the choice, the code and the address for viewers, and how many watch.

/** @import { Admits, ConferenceView } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Orders } from "./orders.js" */
import { get } from "../common/api.js";
import { byId, elementOf, make, makeText, setText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { embedding, viewersText } from "./audience_text.js";

/** @type {Admits[]} */
const CHOICES = ["nobody", "accounts", "code", "anybody"];

/** The dialog of a console. */
export class AudienceDialog {
  /** @param {Client} client @param {Orders} orders */
  constructor(client, orders) {
    this.client = client;
    this.orders = orders;
    this.shown = ""; // what the code and the address were asked for
    /** @type {Admits | ""} */
    this.chosen = ""; // what was ordered and is not the state yet
    byId("audience-close").addEventListener("click", () => this.dialog.close());
    byId("new-code").addEventListener("click", () => orders.command({ type: "renew_code" }));
    this.dialog.addEventListener("close", () => (this.shown = this.chosen = ""));
  }

  get dialog() {
    return elementOf("audience", HTMLDialogElement);
  }

  open() {
    const choices = byId("audience-choices");
    choices.replaceChildren();
    for (const admits of CHOICES) {
      const label = make("label", "", choices);
      const input = make("input", "", label);
      Object.assign(input, { type: "radio", name: "admits", value: admits });
      input.addEventListener("change", () => this.choose(admits));
      makeText("span", "", t(`audience.${admits}`), label);
    }
    this.dialog.showModal();
    this.render();
  }

  /** @param {Admits} admits */
  async choose(admits) {
    this.chosen = admits;
    const done = await this.orders.command({ type: "audience", admits });
    if (!done && this.chosen === admits) this.chosen = "";
    this.render();
  }

  /** The figure in the header, and the dialog where it is open. */
  render() {
    const { conference } = this.client.state;
    const figure = byId("viewers");
    const text = viewersText(conference);
    figure.hidden = !text;
    setText(figure, text);
    if (!conference || !this.dialog.open) return;
    if (this.chosen === conference.audience) this.chosen = "";
    for (const input of this.dialog.querySelectorAll("input[name=admits]")) {
      if (input instanceof HTMLInputElement) input.checked = input.value === (this.chosen || conference.audience);
    }
    setText(byId("audience-count"), text);
    byId("audience-open").hidden = conference.audience === "nobody";
    byId("audience-code").hidden = conference.audience !== "code";
    const wanted = `${conference.id} ${conference.audience} ${conference.audience_code}`;
    if (wanted !== this.shown) this.ask(conference, wanted);
  }

  /** @param {ConferenceView} conference @param {string} wanted */
  async ask(conference, wanted) {
    this.shown = wanted;
    const found = await get("/conferences/{id}/audience", { id: conference.id }).catch(() => null);
    if (!found || this.shown !== wanted) return;
    const page = new URL(found.page, location.href).href;
    const link = elementOf("audience-page", HTMLAnchorElement);
    link.href = page;
    setText(link, page);
    setText(byId("the-code"), found.code ?? "");
    elementOf("embedding", HTMLTextAreaElement).value = embedding(page);
  }
}
