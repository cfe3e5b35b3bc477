// The bar under the stage: the microphone's state, the buttons, and what they ask the bridge for.

/** @import { Asked } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Devices } from "./devices.js" */
import { outcomeText } from "../common/client.js";
import { byId, keyTarget, setText } from "../common/dom.js";
import { Screen } from "../common/screen.js";
import { actionOf } from "./keys.js";
import { barOf, mySeat, placeOf } from "./texts.js";

const REFUSAL_TIME = 5000; // ms that a refusal stays on the screen

/** What the people in the room can ask for. */
export class Bar {
  /**
   * @param {Client} client
   * @param {Devices} devices
   * @param {() => void} changed  `refusal`, or what is shared, has changed
   */
  constructor(client, devices, changed) {
    this.client = client;
    this.devices = devices;
    this.changed = changed;
    /** What the bridge has just refused, as a sentence, or "". */
    this.refusal = "";
    this.screen = new Screen(client, (command) => this.command({ ...command, point: this.self }));
    byId("ask").addEventListener("click", () => this.ask());
    byId("mute").addEventListener("click", () => this.mute());
    byId("accept").addEventListener("click", () => this.command({ type: "accept", point: this.self }));
    byId("share").addEventListener("click", () => this.share());
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  get self() {
    return this.client.state.self ?? "";
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const target = keyTarget(event);
    if (event.repeat || !target || target.matches("input, select, button")) return;
    const action = actionOf(event.key);
    if (action === "ask") this.ask();
    else if (action === "mute") this.mute();
    else return;
    event.preventDefault();
  }

  /** Give a command for this point; a refusal is shown for a while. @param {Asked} command */
  async command(command) {
    if (!this.client.state.conference || !this.self) return false;
    const outcome = await this.client.command(command);
    if (!outcome.ok) {
      this.refusal = outcomeText(outcome);
      this.changed();
      setTimeout(() => {
        this.refusal = "";
        this.changed();
      }, REFUSAL_TIME);
    }
    return outcome.ok;
  }

  /** Ask for the floor, or take the request back. */
  ask() {
    const { state } = this.client;
    if (!mySeat(state)?.present) return;
    this.command({ type: placeOf(state) ? "withdraw_floor" : "request_floor", point: this.self });
  }

  mute() {
    const seat = mySeat(this.client.state);
    if (seat) this.command({ type: "self_mute", muted: seat.microphone, point: this.self });
  }

  async share() {
    if (this.screen.shared) await this.screen.stop();
    else await this.screen.start();
    this.changed();
  }

  render() {
    const shown = barOf(this.client.state, this.screen.shared, this.devices.microphone.fault);
    byId("microphone").dataset.sound = shown.sound;
    for (const id of /** @type {const} */ (["microphone", "ask", "mute", "accept", "share"])) {
      byId(id).hidden = shown[id] === null;
      setText(byId(id), shown[id] ?? "");
    }
  }
}
