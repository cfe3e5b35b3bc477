// Votes on the console: opening one, the count while it runs, reminding, closing, and what others came to.

/** @import { ConferenceView, OpenVoteCommand, VoteView } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Orders } from "./orders.js" */
/** @import { Persons } from "./persons.js" */
import { confirmed } from "../common/dialog.js";
import { byId, elementOf, make, makeText, refill, setText } from "../common/dom.js";
import { language, pick, t } from "../common/i18n.js";
import { pointOf } from "../common/state.js";
import { choiceText, openVote, resultText } from "../common/vote.js";

/** The dialog in which votes are opened, and the box beside the desk while one runs. */
export class Votes {
  /** @param {Client} client @param {Orders} orders @param {Persons} persons  who knows what delegates are called */
  constructor(client, orders, persons) {
    this.persons = persons;
    this.client = client;
    this.orders = orders;
    byId("vote-form").addEventListener("submit", (event) => this.begin(event));
    byId("votes-close").addEventListener("click", () => this.dialog.close());
    byId("vote-remind").addEventListener("click", () => this.remind());
    byId("vote-end").addEventListener("click", () => this.end());
    byId("vote-cancel").addEventListener("click", () => this.cancel());
  }

  get dialog() {
    return elementOf("votes", HTMLDialogElement);
  }

  /** Open a vote, or see those that were. */
  open() {
    setText(byId("votes-answer"), "");
    this.dialog.showModal();
    this.render();
    if (!byId("vote-form").hidden) elementOf("vote-new-title", HTMLInputElement).focus();
  }

  /** What the form asks for. @returns {OpenVoteCommand} */
  get asked() {
    const title = elementOf("vote-new-title", HTMLInputElement).value.trim();
    const options = elementOf("vote-options", HTMLTextAreaElement).value.split("\n").map((line) => line.trim()).filter(Boolean);
    const majority = /** @type {OpenVoteCommand["majority"]} */ (elementOf("vote-majority", HTMLSelectElement).value);
    const quorum = Number(elementOf("vote-quorum", HTMLInputElement).value);
    const inputs = [...byId("vote-weights").querySelectorAll("input")];
    const voters = inputs.map((input) => ({ point: input.name, weight: Number(input.value) })).filter(({ weight }) => weight > 0);
    const weights = Object.fromEntries(voters.filter(({ weight }) => weight !== 1).map(({ point, weight }) => [point, weight]));
    const kind = options.length ? "choice" : "approval";
    const secret = elementOf("vote-secret", HTMLInputElement).checked;
    const signed = elementOf("vote-signed", HTMLInputElement).checked;
    const points = voters.map(({ point }) => point);
    if (elementOf("vote-persons", HTMLInputElement).checked) {
      return { type: "open_vote", title, kind, options, points, quorum, majority, secret, by: "persons" };
    }
    return { type: "open_vote", title, kind, options, points, weights, quorum, majority, signed, secret };
  }

  /** @param {Event} event */
  async begin(event) {
    event.preventDefault();
    if (await this.orders.command(this.asked)) {
      elementOf("vote-form", HTMLFormElement).reset();
      this.dialog.close();
    } else setText(byId("votes-answer"), byId("answer").textContent ?? "");
  }

  remind() {
    this.orders.command({ type: "remind_vote", number: this.running?.number });
  }

  /** Close and count; who has not voted is asked about first. */
  async end() {
    const { running } = this;
    if (!running) return;
    const waiting = running.waiting.length;
    const sure = !waiting || (await confirmed(t("vote.close_sure", { waiting: String(waiting) }), t("vote.close")));
    if (sure) this.orders.command({ type: "close_vote", number: running.number });
  }

  async cancel() {
    const { running } = this;
    if (!running) return;
    if (await confirmed(t("vote.cancel_sure", { title: running.title }), t("vote.cancel"))) {
      this.orders.command({ type: "cancel_vote", number: running.number });
    }
  }

  get running() {
    return openVote(this.client.state.conference);
  }

  /** What a voter is called: a point, or a delegate. @param {string} voter */
  nameOf(voter) {
    const point = pointOf(this.client.state, voter);
    return point ? pick(point.name) || voter : this.persons.nameOf(voter);
  }

  render() {
    const { conference } = this.client.state;
    const { running } = this;
    byId("vote-box").hidden = running === null;
    if (running) this.renderRunning(running);
    if (conference && this.dialog.open) this.renderDialog(conference);
  }

  /** @param {VoteView} vote */
  renderRunning(vote) {
    setText(byId("vote-title"), vote.title);
    setText(byId("vote-voted"), t("vote.voted", { voted: String(vote.voted), invited: String(vote.invited) }));
    const list = byId("vote-counts");
    refill(list, [vote.counts, vote.options, language()], () => {
      for (const [choice, votes] of Object.entries(vote.counts)) {
        const row = make("li", "", list);
        makeText("span", "", choiceText(vote, choice), row);
        makeText("strong", "", String(votes), row);
      }
    });
    const names = vote.waiting.map((point) => this.nameOf(point)).join(", ");
    setText(byId("vote-waiting"), names ? t("vote.waiting", { names }) : t("vote.all_voted"));
    for (const id of ["vote-remind", "vote-end", "vote-cancel"]) {
      elementOf(id, HTMLButtonElement).disabled = !this.client.state.mayDirect;
    }
    elementOf("vote-remind", HTMLButtonElement).disabled ||= !names;
  }

  /** @param {ConferenceView} conference */
  renderDialog(conference) {
    byId("vote-form").hidden = openVote(conference) !== null;
    byId("vote-runs").hidden = openVote(conference) === null;
    const weights = byId("vote-weights");
    const points = conference.points.filter((point) => !pointOf(this.client.state, point)?.observer);
    refill(weights, [points, language()], () => {
      for (const point of points) {
        const label = make("label", "", weights);
        makeText("span", "", this.nameOf(point), label);
        const input = make("input", "", label);
        Object.assign(input, { type: "number", name: point, min: "0", max: "1000", required: true });
        input.defaultValue = conference.expected.includes(point) ? "1" : "0";
      }
    });
    const list = byId("vote-list");
    const over = conference.votes.filter((vote) => vote.stage !== "open");
    refill(list, [over, this.persons.list, language()], () => {
      for (const vote of over) {
        const row = make("li", "", list);
        makeText("strong", "", `${vote.number}. ${vote.title}`, row);
        const text = vote.result ? resultText(vote, vote.result) : t(vote.stage === "counting" ? "vote.counting" : "vote.cancelled");
        makeText("p", "sub", `${text} · ${t("vote.voted", { voted: String(vote.voted), invited: String(vote.invited) })}`, row);
        const who = Object.entries(vote.chosen).map(([point, choice]) => `${this.nameOf(point)}: ${choiceText(vote, choice)}`);
        if (who.length) makeText("p", "sub", who.join(" · "), row);
        const unsigned = vote.unsigned.map((point) => this.nameOf(point)).join(", ");
        if (unsigned) makeText("p", "sub", t("vote.unsigned", { names: unsigned }), row);
      }
    });
  }
}
