// Speaking to one room alone, while a key or a button is held. The bridge joins the two and nobody else;
// it also ends it when this page is gone.

/** @import { Client } from "../common/client.js" */
/** @import { Orders } from "./orders.js" */
/** @import { PageState } from "../common/state.js" */
import { outcomeText } from "../common/client.js";
import { elementOf } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { directs, pointOf } from "../common/state.js";
import { aimedAt } from "./actions.js";

/** As a room's microphone: an operator sits before loudspeakers, too. */
const WANTED = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** The operator's voice to one room. */
export class Talkback {
  /**
   * @param {Client} client
   * @param {Orders} orders
   * @param {() => string | null} selected  the point that the operator has chosen
   * @param {() => void} watching  says that somebody else directs
   */
  constructor(client, orders, selected, watching) {
    this.client = client;
    this.orders = orders;
    this.selected = selected;
    this.watching = watching;
    this.held = false;
    /** Whom this page speaks to, as far as the bridge has agreed. @type {string | null} */
    this.point = null;
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    globalThis.addEventListener?.("blur", () => this.end());
    globalThis.document?.addEventListener("visibilitychange", () => this.end());
  }

  /** A key is held: speak to the point that is prepared, else to the one that is chosen. */
  pressed() {
    const { state } = this.client;
    if (!this.orders.allowed()) return;
    const point = aimedAt(state, this.selected());
    if (point === null) this.orders.say(t("console.select_first"), false);
    else this.begin(point);
  }

  /** Speak to a point from now on. @param {string} point */
  async begin(point) {
    if (this.held || !this.orders.allowed()) return;
    if (!directs(this.client.state)) return this.watching();
    if (isBridge(this.client.state, point)) {
      return this.orders.say(t("talk.other_bridge", { point: pick(pointOf(this.client.state, point)?.name) }), false);
    }
    this.held = true;
    const asked = this.track === null;
    if (!(await this.listen())) {
      this.held = false;
      return this.orders.say(t("talk.no_microphone"), false);
    }
    // The browser's question takes the key from the page: it is held anew.
    if (!this.held) return asked ? this.orders.say(t("talk.ready"), true) : undefined;
    this.orders.say("…", null);
    const outcome = await this.client.connection.ask({ type: "talk", point });
    if (!outcome.ok) {
      this.held = false;
      return this.orders.say(outcomeText(outcome), false);
    }
    this.point = point;
    if (!this.held) return this.stop();
    await this.send(true);
    this.orders.say(t("talk.speaking", { name: pick(pointOf(this.client.state, point)?.name) }), true);
  }

  /** The key is let go. */
  end() {
    if (!this.held) return;
    this.held = false;
    if (this.point !== null) this.stop();
  }

  /** The button in the panel of a point. @param {HTMLElement} button @param {() => string | null} point */
  holdBy(button, point) {
    const begin = () => {
      const held = point();
      if (held !== null) this.begin(held);
    };
    button.addEventListener("pointerdown", (event) => {
      button.setPointerCapture(event.pointerId); // let go anywhere, it ends
      begin();
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur", "keyup"]) {
      button.addEventListener(name, () => this.end());
    }
    button.addEventListener("keydown", (event) => {
      if (!event.repeat && [" ", "Enter"].includes(event.key)) begin();
    });
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
  }

  /** @param {string | null} point  whose panel is open */
  render(point) {
    const { state } = this.client;
    const button = elementOf("point-talk", HTMLButtonElement);
    button.disabled = point === null || !directs(state) || isBridge(state, point);
    button.classList.toggle("speaking", point !== null && state.talks[point]?.user === state.user);
  }

  /** The bridge has ended it: its time is over, or the room has left. */
  look() {
    if (!this.held || this.point === null) return;
    if (this.client.link === "up" && this.client.state.talks[this.point]) return;
    this.held = false;
    this.point = null;
    this.send(false);
    this.orders.say(t("talk.over"), false);
  }

  stop() {
    this.point = null;
    this.send(false);
    this.orders.say("", null);
    this.client.connection.ask({ type: "talk", point: null });
  }

  /** @param {boolean} on */
  async send(on) {
    if (this.track) this.track.enabled = on;
    await this.client.media.talk(on);
  }

  /** Have a microphone; asks for it at the first use. Resolves false where there is none. */
  async listen() {
    if (this.track?.readyState === "live") return true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: WANTED });
      [this.track] = stream.getAudioTracks();
      this.track.enabled = false;
      await this.client.media.replace(this.track, null);
      return true;
    } catch {
      this.track = null;
      return false;
    }
  }
}

/** Whether a point is another bridge: nobody there is alone with what is sent to it. @param {PageState} state @param {string} point */
const isBridge = ({ conference }, point) => conference?.peers?.[point] !== undefined;
