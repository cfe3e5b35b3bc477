// The code with which delegates of this room register with their telephones, while that is open.

/** @import { RoomCode } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
import { byId, setText } from "../common/dom.js";
import { language, t } from "../common/i18n.js";
import { drawQr } from "../common/qr.js";
import { sessionCall } from "../common/session_call.js";

const RENEW = 60000; // ms: a code is shown for ten minutes, and is good for ten more
const RETRY = 5000; // ms

export class RegistrationCode {
  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    /** @type {RoomCode | null} */
    this.code = null;
    this.wanted = 0; // when it is asked for next, ms
    this.asking = false;
    this.drawn = "";
  }

  get open() {
    return this.client.state.conference?.registration ?? false;
  }

  render() {
    const box = byId("registration");
    if (!this.open) {
      this.code = null;
      this.wanted = 0;
    } else if (!this.asking && performance.now() >= this.wanted) this.ask();
    box.hidden = !this.open || this.code === null;
    if (box.hidden || !this.code) return;
    const own = this.client.state.conference?.attendance[this.client.state.self ?? ""];
    setText(byId("registration-count"), t("room.registered", { count: String(own?.listed ?? 0) }));
    const shown = `${language()} ${this.code.address}`;
    if (shown !== this.drawn) drawQr(byId("registration-code"), this.code.rows, t("room.register"));
    this.drawn = shown;
  }

  async ask() {
    this.asking = true;
    try {
      const response = await sessionCall(this.client.connection.session, "/room/registration");
      this.code = await response.json();
      this.wanted = performance.now() + RENEW;
    } catch {
      this.wanted = performance.now() + RETRY; // what is shown is good for a while yet
    } finally {
      this.asking = false;
    }
    this.render();
  }
}
