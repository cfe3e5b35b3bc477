// Delegates on the console: each point's list, ticks of who is there, lists out of files, links for
// telephones, and whether rooms show the code to register by.

/** @import { ConferenceView, Imported, PersonList, PersonView } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Orders } from "./orders.js" */
import { addressOf, get, post, remove, send } from "../common/api.js";
import { confirmed } from "../common/dialog.js";
import { byId, elementOf, make, makeHeader, makeText, refill, setText } from "../common/dom.js";
import { language, pick, t } from "../common/i18n.js";
import { drawQr } from "../common/qr.js";
import { Refused, errorText } from "../common/refused.js";
import { pointOf } from "../common/state.js";

const SAVED = 60000; // ms until a file that was saved is let go
const FIELDS = /** @type {const} */ (["name", "position", "agency"]);

/** The dialog with the delegates of a conference. */
export class Persons {
  /** @param {Client} client @param {Orders} orders */
  constructor(client, orders) {
    this.client = client;
    this.orders = orders;
    /** @type {PersonList | null} */
    this.list = null;
    this.listed = ""; // what the list was asked for
    byId("person-form").addEventListener("submit", (event) => this.add(event));
    byId("persons-file-form").addEventListener("submit", (event) => this.bring(event));
    byId("persons-close").addEventListener("click", () => this.dialog.close());
    byId("persons-code").addEventListener("click", () => this.register());
    byId("persons-all").addEventListener("click", () => this.attend(this.persons.filter(({ present }) => !present), true));
    byId("persons-print").addEventListener("click", () => this.print());
    byId("person-link-close").addEventListener("click", () => elementOf("person-link", HTMLDialogElement).close());
  }

  get dialog() {
    return elementOf("persons", HTMLDialogElement);
  }

  get persons() {
    return this.list?.persons ?? [];
  }

  open() {
    this.say("");
    this.listed = "";
    this.dialog.showModal();
    this.render();
  }

  /** What a delegate is called; where that is not known, the beginning of the id. @param {string} id */
  nameOf(id) {
    const found = this.persons.find((person) => person.id === id);
    return found ? found.name : t("persons.voter", { id: id.slice(0, 4) });
  }

  /** @param {string} point */
  pointName(point) {
    return pick(pointOf(this.client.state, point)?.name) || point;
  }

  // --- what is shown ------------------------------------------------------------------------

  render() {
    const { conference } = this.client.state;
    if (!conference) return;
    const votes = conference.votes.some((vote) => vote.by === "persons");
    if (!this.dialog.open && !votes) return;
    const wanted = JSON.stringify([conference.id, conference.attendance]);
    if (wanted !== this.listed) this.load(conference.id, wanted);
    if (this.dialog.open) this.renderDialog(conference);
  }

  /** @param {ConferenceView} conference */
  renderDialog(conference) {
    const present = this.persons.filter((person) => person.present).length;
    setText(byId("persons-count"), t("persons.count", { present: String(present), listed: String(this.persons.length) }));
    setText(byId("persons-code"), t(conference.registration ? "persons.registration_close" : "persons.registration_open"));
    elementOf("persons-csv", HTMLAnchorElement).href = addressOf("/persons", { of: conference.id, format: "csv", language: language() });
    const points = conference.points;
    for (const id of ["person-point", "persons-file-point"]) {
      const select = elementOf(id, HTMLSelectElement);
      refill(select, [points, language()], () => {
        if (id === "persons-file-point") this.option(select, "", t("persons.point_of_row"));
        for (const point of points) this.option(select, point, this.pointName(point));
      });
    }
    refill(byId("person-rows"), [this.persons, language()], () => {
      let point = "";
      for (const person of this.persons) {
        if (person.point !== point) this.heading(person.point);
        point = person.point;
        this.row(person);
      }
    });
  }

  /** @param {HTMLSelectElement} select @param {string} value @param {string} text */
  option(select, value, text) {
    makeText("option", "", text, select).value = value;
  }

  /** @param {string} point */
  heading(point) {
    const row = make("tr", "point", byId("person-rows"));
    const those = this.persons.filter((person) => person.point === point);
    const present = those.filter((person) => person.present).length;
    const cell = makeHeader(`${this.pointName(point)} · ${present}/${those.length}`, "col", row);
    cell.colSpan = 6;
  }

  /** @param {PersonView} person */
  row(person) {
    const row = make("tr", "", byId("person-rows"));
    const tick = make("input", "", make("td", "", row));
    Object.assign(tick, { type: "checkbox", checked: person.present ?? false });
    tick.setAttribute("aria-label", t("persons.present_of", { name: person.name }));
    tick.addEventListener("change", () => this.attend([person], tick.checked));
    for (const field of FIELDS) makeText("td", "", person[field], row);
    makeText("td", "", person.weight === 1 ? "" : String(person.weight), row);
    const cell = make("td", "row", row);
    /** @param {"link" | "remove"} name @param {() => void} act */
    const button = (name, act) => {
      const made = makeText("button", "", t(`persons.${name}`), cell);
      made.setAttribute("aria-label", `${t(`persons.${name}`)}: ${person.name}`);
      made.addEventListener("click", act);
    };
    button("link", () => this.link(person));
    button("remove", () => this.remove(person));
    if (person.telephone) makeText("span", "sub", t("persons.telephone"), cell);
    if (!person.sealed) makeText("span", "error", t("persons.not_sealed"), cell);
  }

  // --- what is done -------------------------------------------------------------------------

  /** @param {string} conference @param {string} wanted */
  async load(conference, wanted) {
    this.listed = wanted;
    const found = await get("/persons", { of: conference }).catch(() => null);
    if (!found || this.listed !== wanted) return;
    this.list = found;
    this.render();
  }

  /** @param {string} text */
  say(text) {
    setText(byId("persons-answer"), text);
    if (!text) byId("persons-wrong").replaceChildren();
  }

  /** Do something with the list, then show what it is. @param {(of: string) => Promise<unknown>} work */
  async changing(work) {
    const of = this.client.state.conference?.id;
    if (!of) return false;
    this.say("");
    try {
      await work(of);
      return true;
    } catch (error) {
      this.say(errorText(error));
      if (error instanceof Refused) this.wrong(error);
      return false;
    } finally {
      this.listed = "";
      this.render();
    }
  }

  /** Which rows of a file were refused, and why. @param {Refused} error */
  wrong({ problem }) {
    const rows = /** @type {{row: number, sentence: string, sentence_vi: string}[]} */ (Object(problem).rows ?? []);
    for (const { row, sentence, sentence_vi } of rows) {
      makeText("li", "", t("persons.row", { row: String(row), why: language() === "vi" ? sentence_vi : sentence }), byId("persons-wrong"));
    }
  }

  /** @param {PersonView[]} persons @param {boolean} present */
  async attend(persons, present) {
    if (!persons.length) return;
    const done = await this.orders.command({ type: "attend", persons: persons.map(({ id }) => id), present });
    this.say(done ? "" : (byId("answer").textContent ?? ""));
    this.listed = "";
    this.render();
  }

  register() {
    this.orders.command({ type: "registration", open: !this.client.state.conference?.registration });
  }

  /** @param {Event} event */
  async add(event) {
    event.preventDefault();
    const [name = "", position = "", agency = ""] = FIELDS.map((field) => elementOf(`person-${field}`, HTMLInputElement).value);
    const point = elementOf("person-point", HTMLSelectElement).value;
    const weight = Number(elementOf("person-weight", HTMLInputElement).value);
    if (!(await this.changing((of) => post("/persons", { of }, { persons: [{ point, name, position, agency, weight }] })))) return;
    for (const field of ["name", "position"]) elementOf(`person-${field}`, HTMLInputElement).value = "";
    elementOf("person-name", HTMLInputElement).focus();
  }

  /** @param {Event} event */
  async bring(event) {
    event.preventDefault();
    const input = elementOf("persons-file", HTMLInputElement);
    const [file] = input.files ?? [];
    if (!file) return;
    const point = elementOf("persons-file-point", HTMLSelectElement).value || undefined;
    let count = 0;
    const done = await this.changing(async (of) => {
      const address = addressOf("/persons/import", { of, point });
      const response = await send(address, { method: "POST", body: file });
      count = /** @type {Imported} */ (await response.json()).persons;
    });
    if (done) this.say(t("persons.imported", { count: String(count) }));
    input.value = "";
  }

  /** A link for a delegate's telephone, as a code to be scanned. @param {PersonView} person */
  async link(person) {
    if (person.telephone && !(await confirmed(t("persons.link_sure", { name: person.name }), t("persons.link")))) return;
    await this.changing(async () => {
      const { address, rows } = await post("/persons/{id}/link", { id: person.id });
      setText(byId("person-link-name"), person.name);
      drawQr(byId("person-link-code"), rows, t("persons.link"));
      setText(byId("person-link-address"), address);
      elementOf("person-link", HTMLDialogElement).showModal();
    });
  }

  /** Links for all delegates without a telephone, as a PDF of cards; links made before end. */
  async print() {
    const waiting = this.persons.filter(({ telephone }) => !telephone).length;
    if (!(await confirmed(t("persons.print_sure", { count: String(waiting) }), t("persons.print")))) return;
    await this.changing(async (of) => {
      const address = addressOf("/persons/links", { of, language: language() });
      const headers = { "Content-Type": "application/json" };
      const response = await send(address, { method: "POST", body: "{}", headers });
      const link = make("a");
      link.href = URL.createObjectURL(await response.blob());
      link.download = `${of}-links.pdf`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), SAVED);
    });
  }

  /** @param {PersonView} person */
  async remove(person) {
    if (!(await confirmed(t("persons.remove_sure", { name: person.name }), t("persons.remove")))) return;
    await this.changing(() => remove("/persons/{id}", { id: person.id }));
  }
}
