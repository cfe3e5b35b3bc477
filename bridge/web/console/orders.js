// Giving commands: sends them, and says what came of them. An answer belongs to the last order: it
// goes when the next one is given.

/** @import { Asked } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Outcome } from "../common/protocol.js" */
import { outcomeText } from "../common/client.js";
import { confirmedFirmly } from "../common/dialog.js";
import { byId } from "../common/dom.js";
import { t } from "../common/i18n.js";

/** The operator's commands to the conference on the desk. */
export class Orders {
  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    this.last = 0; // number of the last order
  }

  /**
   * Show an answer under the command line.
   * @param {string} text
   * @param {boolean | null} ok  null: not known yet
   */
  say(text, ok) {
    const answer = byId("answer");
    answer.textContent = text;
    answer.dataset.ok = String(ok);
  }

  /** Resolves with whether it was done. @param {Asked} command @returns {Promise<boolean>} */
  async command(command) {
    if (!this.allowed()) return false;
    return this.settle(() => this.client.command(command));
  }

  /** A command as a line of text. @param {string} text @returns {Promise<boolean>} */
  async typed(text) {
    if (!this.allowed()) return false;
    const conference = this.client.state.conference?.id ?? "";
    return this.settle(() => this.client.connection.ask({ type: "typed", conference, text }));
  }

  /** Whether an order can be given at all; says why it cannot. */
  allowed() {
    const { conference, mayDirect } = this.client.state;
    if (!conference) this.say(t("console.no_conference"), false);
    else if (!mayDirect) this.say(t("console.only_watches"), false);
    return conference !== null && mayDirect;
  }

  /** Take direction over, from nobody or after a firm question. @returns {Promise<boolean>} */
  async takeOver() {
    if (!this.allowed()) return false;
    const { conference, user } = this.client.state;
    const director = conference?.director ?? null;
    if (director !== null && director !== user) {
      const question = t("console.take_over_sure", { user: director });
      if (!(await confirmedFirmly(question, t("console.take_over"), t("console.take_over_word")))) return false;
    }
    return this.command({ type: "direct", take_over: true });
  }

  /** @param {() => Promise<Outcome>} ask @param {string} [done]  what is said then */
  async settle(ask, done = t("console.done")) {
    this.last += 1;
    const order = this.last;
    this.say("…", null);
    const outcome = await ask();
    // A later order has the line now, unless this one has failed: that is never hidden.
    if (order === this.last || !outcome.ok) this.say(outcome.ok ? `✓ ${done}` : outcomeText(outcome), outcome.ok);
    return outcome.ok;
  }
}
