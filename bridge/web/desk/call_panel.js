// What a desk shows and does about calls: whom it can call, ringing, answering, handing over.

/** @import { Client } from "../common/client.js" */
/** @import { Asked, OfficerView } from "../types/protocol.js" */
/** @import { Stage } from "./stages.js" */
import { outcomeText } from "../common/client.js";
import { byId, elementOf, make, makeText, refill, setText } from "../common/dom.js";
import { clockText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { errorText } from "../common/refused.js";
import { sessionCall } from "../common/session_call.js";
import { pointOf } from "../common/state.js";
import { bringPaper } from "./case_papers.js";
import { Ring } from "./ring.js";
import { otherOf, ringingFor, stageOf, talkedFor } from "./stages.js";

const SAID = 60000; // ms that the end of a call stays on the screen

/** Calls of one desk. */
export class CallPanel {
  /**
   * @param {Client} client
   * @param {(command: Asked) => Promise<boolean>} command  gives a command; a refusal is shown
   * @param {() => void} changed  this page has something else to tell the bridge
   */
  constructor(client, command, changed) {
    this.client = client;
    this.command = command;
    this.changed = changed;
    this.away = false; // this officer is not to be rung
    this.ring = new Ring(() => this.render());
    /** @type {Stage} */
    this.stage = "idle";
    this.talked = 0; // seconds of the call that is over
    this.said = "";
    this.timer = 0;
    byId("call-first").addEventListener("click", () => this.call(""));
    byId("call-answer").addEventListener("click", () => this.ask("answer"));
    byId("call-decline").addEventListener("click", () => this.ask("decline"));
    byId("call-next").addEventListener("click", () => this.callNext());
    for (const id of ["call-stop", "call-end", "call-hang-up"]) byId(id).addEventListener("click", () => this.ask("hang_up"));
    byId("call-hand-over").addEventListener("click", () => this.choose());
    byId("call-away").addEventListener("click", () => this.leave());
    byId("call-sound").addEventListener("click", () => this.ring.allow());
    byId("call-paper").addEventListener("click", () => elementOf("call-file", HTMLInputElement).click());
    byId("call-file").addEventListener("change", () => this.bring());
    byId("call-officers-close").addEventListener("click", () => this.dialog.close());
    document.addEventListener("pointerdown", () => this.ring.allow());
    document.addEventListener("keydown", () => this.ring.allow());
  }

  get dialog() {
    return elementOf("call-officers", HTMLDialogElement);
  }

  get self() {
    return this.client.state.self ?? "";
  }

  /** @param {string | null | undefined} point */
  name(point) {
    return pick(pointOf(this.client.state, point ?? "")?.name) || (point ?? "");
  }

  /** @param {"answer" | "decline" | "hang_up"} type */
  ask(type) {
    this.command({ type, point: this.self });
  }

  /** Call an officer, or whoever is free first. @param {string} officer */
  async call(officer) {
    this.say("");
    try {
      await sessionCall(this.client.connection.session, "/desk-calls", { method: "POST", body: { officer } });
    } catch (error) {
      this.say(errorText(error));
    }
  }

  callNext() {
    const officer = this.client.state.conference?.call?.next_free;
    if (officer) this.command({ type: "ring", point: this.self, officer });
  }

  /** Press on an officer of the list. @param {string} officer */
  pressed(officer) {
    if (this.dialog.open) this.dialog.close();
    if (this.stage === "idle") this.call(officer);
    else if (this.stage === "missed") this.command({ type: "ring", point: this.self, officer });
    else this.command({ type: "hand_over", point: this.self, officer });
  }

  choose() {
    this.dialog.showModal();
  }

  leave() {
    this.away = !this.away;
    this.changed();
    this.render();
  }

  async bring() {
    const input = elementOf("call-file", HTMLInputElement);
    const [file] = input.files ?? [];
    input.value = "";
    if (!file) return;
    this.say(t("desk.paper_comes"));
    try {
      const outcome = await bringPaper(this.client, file);
      this.say(outcome.ok ? "" : outcomeText(outcome));
    } catch (error) {
      this.say(errorText(error));
    }
  }

  /** @param {string} text */
  say(text) {
    clearTimeout(this.timer);
    this.said = text;
    this.timer = window.setTimeout(() => this.say(""), SAID);
    this.render();
  }

  /** What becomes known by a change of stage alone. @param {Stage} stage */
  turn(stage) {
    const before = this.stage;
    this.stage = stage;
    if (stage === "idle" && before !== "idle") {
      const talked = before === "talk" || before === "handing";
      this.say(talked ? t("desk.over", { length: clockText(this.talked) }) : t("desk.over_unanswered"));
    } else if (stage !== "idle" && before === "idle") this.say("");
    if (stage === "rung") byId("call-answer").focus();
  }

  render() {
    const { state, now } = this.client;
    const stage = stageOf(state);
    if (stage === "talk" || stage === "handing") this.talked = talkedFor(state, now);
    if (stage !== this.stage) this.turn(stage);
    const officer = state.desk === "officer";
    byId("room").dataset.call = stage;
    byId("room").dataset.desk = state.desk;
    byId("call-idle").hidden = stage !== "idle";
    byId("call-ringing").hidden = stage !== "calling";
    byId("call-missed").hidden = stage !== "missed";
    byId("call-rung").hidden = stage !== "rung";
    const talks = stage === "talk" || stage === "handing";
    byId("call-hang-up").hidden = byId("call-paper").hidden = !talks;
    byId("call-hand-over").hidden = !talks || !officer || stage === "handing";
    byId("call-first").hidden = officer;
    byId("call-away").hidden = !officer;
    byId("call-away").setAttribute("aria-pressed", String(this.away));
    byId("call-sound").hidden = !officer || !this.ring.silent;
    setText(byId("call-idle-title"), t(!officer ? "desk.whom" : this.away ? "desk.you_are_away" : "desk.waits"));
    setText(byId("call-away"), t(this.away ? "desk.back" : "desk.leave"));
    const other = this.name(otherOf(state));
    setText(byId("call-ringing-title"), t("desk.calling", { officer: other }));
    setText(byId("call-rung-title"), t("desk.rings", { desk: this.name(state.conference?.call?.desk) }));
    this.renderMissed(other);
    setText(byId("call-said"), this.said);
    byId("call-first").toggleAttribute("disabled", !state.officers.some((view) => view.state === "free"));
    const officers = state.officers.filter((view) => view.point !== state.self);
    for (const id of ["call-list", "call-missed-list", "call-officer-list"]) this.list(byId(id), officers, !officer || talks);
    this.ring.set(stage === "rung");
    this.tick();
  }

  /** @param {string} other */
  renderMissed(other) {
    const shown = this.client.state.conference?.call;
    const why = shown?.call.why === "declined" ? "desk.declined" : "desk.no_answer";
    setText(byId("call-missed-title"), t(why, { officer: other }));
    const next = shown?.next_free ?? null;
    byId("call-next").hidden = next === null;
    setText(byId("call-next"), t("desk.call_next", { officer: this.name(next) }));
    setText(byId("call-missed-next"), next === null ? t("desk.nobody_free") : "");
  }

  /** @param {HTMLElement} place @param {OfficerView[]} officers @param {boolean} calls  whether one can be pressed */
  list(place, officers, calls) {
    const rows = officers.map((view) => ({ ...view, name: this.name(view.point), text: t(`desk.state_${view.state}`), calls }));
    refill(place, rows, () => {
      for (const row of rows) {
        const button = make("button", "officer", make("li", "", place));
        button.dataset.state = row.state;
        button.dataset.officer = row.point;
        button.disabled = !calls || row.state !== "free";
        makeText("span", "name", row.name, button);
        makeText("span", "state", row.text, button);
        button.addEventListener("click", () => this.pressed(row.point));
      }
    });
  }

  /** What changes with time alone. */
  tick() {
    const { state, now } = this.client;
    const left = t("desk.rings_for", { seconds: String(ringingFor(state, now)) });
    setText(byId("call-ringing-left"), left);
    setText(byId("call-rung-left"), left);
    const talks = this.stage === "talk" || this.stage === "handing";
    const rung = this.stage === "handing" ? t("desk.handing", { officer: this.name(state.conference?.call?.call.ringing) }) : "";
    setText(byId("call-clock"), talks ? `${clockText(talkedFor(state, now))} ${rung}` : "");
  }
}
