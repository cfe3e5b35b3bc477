// The page of a desk: a citizen's desk calls an officer, an officer is called. A call is a conference
// of two.

/** @import { SessionBody } from "../types/protocol.js" */
/** @import { Devices } from "../room/devices.js" */
import { Bar } from "../room/bar.js";
import { PointPage, showPoint } from "../room/point_page.js";
import { CallPanel } from "./call_panel.js";
import { whoSits } from "./who.js";

/** The bar of a page without a floor to ask for. */
class CallBar extends Bar {
  ask() {}
}

class Desk extends PointPage {
  /** @param {SessionBody} identity @param {Devices} devices */
  constructor(identity, devices) {
    super(identity, devices);
    this.panel = new CallPanel(this.client, (command) => this.bar.command(command), () => this.client.tell());
  }

  /** @param {() => void} changed */
  barOf(changed) {
    return new CallBar(this.client, this.devices, changed);
  }

  get tiles() {
    return { ...super.tiles, points: [] };
  }

  get title() {
    return `${this.panel.stage === "rung" ? "☎ " : ""}${super.title}`;
  }

  status() {
    return { ...super.status(), away: this.panel.away };
  }

  renderParts() {
    this.panel.render();
  }

  tickParts() {
    this.panel.tick();
  }
}

await showPoint(whoSits, (identity, devices) => new Desk(identity, devices));
