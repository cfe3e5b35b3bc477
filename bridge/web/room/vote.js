// Votes in the room: the question, large buttons, what this room has chosen, and the result.

/** @import { VoteView } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Bar } from "./bar.js" */
import { byId, keyTarget, make, makeText, refill, setText } from "../common/dom.js";
import { language, t } from "../common/i18n.js";
import { choiceText, countsText, outcomeWord } from "../common/vote.js";
import { choiceOfKey } from "./keys.js";
import { Signing, ballotText } from "./signing.js";
import { heldVote } from "./texts.js";

const FEW = 4; // buttons that stand side by side in large letters

/** The vote of one room. */
export class Vote {
  /** @param {Client} client @param {Bar} bar  which gives the commands */
  constructor(client, bar) {
    this.client = client;
    this.bar = bar;
    this.signing = new Signing();
    this.asked = ""; // the choice that is on its way, so that a button says at once that it was heard
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** The vote that is on the screen. @returns {VoteView | null} */
  get shown() {
    return heldVote(this.client.state, this.client.now);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const target = keyTarget(event);
    if (event.repeat || !target || target.matches("input, select")) return;
    const choice = this.shown && choiceOfKey(event.key, this.shown.choices);
    if (!choice) return;
    event.preventDefault();
    this.choose(choice);
  }

  /** Vote; until the vote is closed another choice takes its place. @param {string} choice */
  async choose(choice) {
    const { shown } = this;
    const self = this.client.state.self ?? "";
    if (!shown || shown.stage !== "open" || this.asked || !this.hasVote(shown)) return;
    this.asked = choice;
    this.render();
    const ballot = shown.secret ? 0 : shown.ballots + 1;
    const text = ballotText(this.client.state.conference?.id ?? "", shown, self, choice, ballot);
    // What nobody is to know is not signed.
    const signed = shown.secret ? {} : await this.signing.sign(text, this.client.connection.session).catch(() => ({ key: "", signature: "" }));
    await this.bar.command({ type: "vote", number: shown.number, choice, point: self, ballot, ...signed });
    this.asked = "";
    this.render();
  }

  /** Whether this room has a vote in it. @param {VoteView} vote */
  hasVote(vote) {
    return vote.ballots > 0 || vote.waiting.includes(this.client.state.self ?? "");
  }

  render() {
    const { shown } = this;
    const box = byId("vote");
    box.hidden = shown === null;
    if (!shown) return;
    const open = shown.stage === "open";
    const own = shown.chosen[this.client.state.self ?? ""] ?? "";
    const given = shown.secret && shown.ballots > 0;
    box.dataset.stage = shown.stage;
    box.classList.toggle("many", shown.choices.length > FEW);
    box.classList.toggle("reminded", open && !own && !given && shown.reminded_at !== null);
    const heading = open ? (shown.secret ? "vote.question_secret" : "vote.question") : "vote.over";
    setText(byId("vote-title"), t(heading, { title: shown.title }));
    const list = byId("vote-choices");
    const choices = open && !given && this.hasVote(shown) ? shown.choices : [];
    list.hidden = choices.length === 0;
    refill(list, [shown.number, choices, own, this.asked, language()], () => {
      for (const [index, choice] of choices.entries()) {
        const button = make("button", "", list);
        button.dataset.choice = choice;
        makeText("kbd", "", String(index + 1), button).setAttribute("aria-hidden", "true");
        makeText("span", "", choiceText(shown, choice), button);
        button.setAttribute("aria-pressed", String(choice === own));
        button.classList.toggle("asked", choice === this.asked);
        button.addEventListener("click", (event) => {
          if (event.detail > 0) button.blur(); // the keys are the room's again
          this.choose(choice);
        });
      }
    });
    setText(byId("vote-said"), this.said(shown, own));
  }

  /** The line under the buttons. @param {VoteView} shown @param {string} own */
  said(shown, own) {
    if (shown.stage === "cancelled") return t("vote.cancelled");
    if (shown.result) return `${outcomeWord(shown, shown.result)}\n${countsText(shown, shown.result.counts)}`;
    if (shown.stage === "counting") return t("vote.counting");
    if (shown.by === "persons") return t("vote.by_telephone", { voted: String(shown.voted), invited: String(shown.invited) });
    if (!this.hasVote(shown)) return t("vote.not_yours");
    if (shown.secret && shown.ballots > 0) return t("vote.secret_taken");
    if (own) return t("vote.chosen", { choice: choiceText(shown, own) });
    return t(shown.reminded_at === null ? "vote.press" : "vote.reminded");
  }
}
