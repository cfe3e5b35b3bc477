// Giving commands: sends them, says what came of them, and offers to take over where somebody else
// directs.

/** @import { Asked } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Outcome } from "../common/protocol.js" */
import { outcomeText } from "../common/client.js";
import { confirmed } from "../common/dialog.js";
import { byId } from "../common/dom.js";
import { t } from "../common/i18n.js";

const NOT_THE_DIRECTOR = "refusal.other_director";
const CONFIRM = "refusal.confirm_take_over";

/** The operator's commands to the conference on the desk. */
export class Orders {
  /** @param {Client} client */
  constructor(client) {
    this.client = client;
  }

  /** Show an answer under the command line. @param {string} text @param {boolean} ok */
  say(text, ok) {
    const answer = byId("answer");
    answer.textContent = text;
    answer.dataset.ok = String(ok);
  }

  /** Resolves with whether it was done. @param {Asked} command @returns {Promise<boolean>} */
  async command(command) {
    if (!this.client.state.conference) {
      this.say(t("console.no_conference"), false);
      return false;
    }
    return this.settle(() => this.client.command(command));
  }

  /** A command as a line of text. @param {string} text @returns {Promise<boolean>} */
  typed(text) {
    const conference = this.client.state.conference?.id ?? "";
    return this.settle(() => this.client.connection.ask({ type: "typed", conference, text }));
  }

  /** @param {() => Promise<Outcome>} ask */
  async settle(ask) {
    let outcome = await ask();
    if (!outcome.ok) {
      this.say(outcomeText(outcome), false);
      if (![NOT_THE_DIRECTOR, CONFIRM].includes(outcome.key)) return false;
      if (!(await confirmed(outcomeText(outcome), t("console.take_over")))) return false;
      const taken = await this.client.command({ type: "direct", take_over: true });
      outcome = taken.ok && outcome.key === NOT_THE_DIRECTOR ? await ask() : taken;
    }
    this.say(outcome.ok ? "✓" : outcomeText(outcome), outcome.ok);
    return outcome.ok;
  }
}
