// Signed minutes of a conference: those that were brought, and the field to bring them.

import { addressOf, get } from "../common/api.js";
import { byId, elementOf, make, makeText } from "../common/dom.js";
import { timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { accepted, errorText } from "../common/refused.js";

/** The part of the report about signed minutes. */
export class SignedMinutes {
  /** @param {string} id  of the conference */
  constructor(id) {
    this.id = id;
    /** @type {import("../types/protocol.js").SignedFile[]} */
    this.files = [];
    this.zone = "";
    elementOf("signed-file", HTMLInputElement).addEventListener("change", (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      const [file] = input.files ?? [];
      if (file) this.bring(file);
      input.value = "";
    });
  }

  /** Ask which there are. */
  async load() {
    this.files = await get("/conferences/{id}/minutes", { id: this.id });
  }

  /** @param {File} file */
  async bring(file) {
    const answer = byId("signed-answer");
    answer.textContent = t("verify.looking");
    try {
      const address = addressOf("/conferences/{id}/minutes", { id: this.id });
      const response = await accepted(await fetch(address, { method: "POST", body: file }));
      /** @type {import("../types/protocol.js").Judged} */
      const judged = await response.json();
      answer.textContent = [t("minutes.taken"), ...judged.findings.map(({ said }) => pick(said))].join(" ");
      await this.load();
    } catch (error) {
      answer.textContent = errorText(error);
    }
    this.render();
  }

  /** @param {string} zone  of the bridge, where it is known by now */
  render(zone = this.zone) {
    this.zone = zone;
    const list = byId("signed");
    list.replaceChildren();
    for (const { sha256, at, signers } of this.files) {
      const row = make("li", "", list);
      const link = makeText("a", "", signers.join(", "), row);
      link.setAttribute("href", addressOf("/conferences/{id}/minutes/{name}", { id: this.id, name: sha256 }));
      makeText("span", "sub", ` ${timeText(at, zone, "day")} · SHA-256 ${sha256}`, row);
    }
  }
}
