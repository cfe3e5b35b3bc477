// The room page: a point that sees the programme, is heard when invited, votes, and shows the code by
// which delegates register.

/** @import { SessionBody } from "../types/protocol.js" */
/** @import { Devices } from "./devices.js" */
import { identify } from "./identity.js";
import { PointPage, showPoint } from "./point_page.js";
import { RegistrationCode } from "./registration.js";
import { Vote } from "./vote.js";

class Room extends PointPage {
  /** @param {SessionBody} identity @param {Devices} devices */
  constructor(identity, devices) {
    super(identity, devices);
    this.vote = new Vote(this.client, this.bar);
    this.registration = new RegistrationCode(this.client);
  }

  welcomed() {
    this.vote.signing.introduce(this.client.connection.session).catch(() => {}); // tried again with the first ballot
  }

  renderParts() {
    this.vote.render();
    this.registration.render();
  }

  tickParts() {
    this.renderParts();
  }
}

await showPoint(identify, (identity, devices) => new Room(identity, devices));
