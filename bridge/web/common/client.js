// A page's part in conferences: the connection, its media, and the state that the messages add up
// to. The console and the room page are two views of it.

/** @import { Asked, FromClient, Problem, Sentence, SessionBody, ToClient } from "../types/protocol.js" */
/** @import { Setup } from "./transport.js" */
/** @import { Outcome, Status } from "./protocol.js" */
import { blockedKey } from "./blocked.js";
import { browser, hosts } from "./browser.js";
import { pick, t } from "./i18n.js";
import { Media } from "./media.js";
import { ANSWER_LIMIT, Connection } from "./protocol.js";
import { initial, reduce } from "./state.js";
import { Vigil } from "./vigil.js";

/**
 * @typedef {object} View  what a page does with its client
 * @property {() => Setup} setup  what to receive and send, whenever media starts
 * @property {() => Extract<FromClient, {type: "status"}>} status  what the page really does
 * @property {(slot: string, track: MediaStreamTrack, over: boolean) => void} track  a slot's picture or
 *   sound; `over`: it takes the place of what plays there
 * @property {(message: ToClient) => void} received  a message, after the state took it in
 * @property {(status: Status) => void} linked  the connection's status changed
 * @property {(error: unknown) => void} mediaChanged  the media's status changed, maybe by an error
 * @property {() => void} levels  only sound levels changed
 * @property {() => void} render  anything else changed
 */

/** What a page is told, what it receives, and how well both connections stand. */
export class Client {
  /** @param {SessionBody} identity @param {View} view @param {number} tick  seconds between two calls of `look` */
  constructor(identity, view, tick) {
    this.view = view;
    this.state = initial;
    /** @type {Status} */
    this.link = "connecting";
    /** Who waits for the connection. @type {(() => void)[]} */
    this.expecting = [];
    /** Why there is no connection, where the bridge has said it. @type {Problem | null} */
    this.problem = null;
    /** @type {"connecting" | "up" | "down"} */
    this.mediaLink = "connecting";
    /** Why the session is over. @type {Sentence | null} */
    this.farewell = null;
    this.vigil = new Vigil(tick, browser.now());
    this.offset = 0; // the bridge's UTC seconds minus this computer's
    this.told = "";
    /** The slots of the connection that plays. @type {Extract<ToClient, {type: "state"}>["slots"]} */
    this.slots = {};
    /** The newest state. @type {Extract<ToClient, {type: "state"}> | null} */
    this.newest = null;
    /** Those of the host that leads, while another one, which led, forwards what plays; null: nothing of
     * the kind. @type {Extract<ToClient, {type: "state"}>["slots"] | null} */
    this.elsewhere = null;
    this.connection = new Connection(
      identity,
      { message: (message) => this.receive(message), status: (...news) => this.linked(...news) },
      browser,
    );
    this.media = new Media(this.connection, {
      track: (slot, track, over) => view.track(slot, track, over),
      moved: () => {
        this.connection.send({ type: "moved" });
        this.arrived();
      },
      status: (status, error) => {
        this.mediaLink = status;
        if (status !== "up") this.arrived();
        view.mediaChanged(error);
        view.render();
      },
    });
    globalThis.addEventListener("online", () => this.connection.start());
  }

  start() {
    this.connection.start();
  }

  /** The bridge's UTC seconds now. */
  get now() {
    return Date.now() / 1000 + this.offset;
  }

  /** Seconds without a message, as far as this page was awake to hear one. */
  get silence() {
    return this.vigil.silence;
  }

  /** Look whether anything was heard; a page does so at each tick. */
  look() {
    this.vigil.look(browser.now());
  }

  /** What to try where picture and sound do not get through, as a key of the catalogue, or "". */
  get blocked() {
    return blockedKey(this.media.failures, { userAgent: navigator.userAgent, host: new URL(hosts.followed).hostname });
  }

  /** @param {Status} status @param {Problem | null} [problem] */
  linked(status, problem = null) {
    this.link = status;
    this.problem = problem;
    if (status === "up" || status === "ended") for (const go of this.expecting.splice(0)) go();
    if (status === "ended") this.media.stop();
    this.view.linked(status);
    this.view.render();
  }

  /**
   * When messages reach the bridge: at once, or as soon as the connection stands again. Also when the
   * session is over, because it never will then.
   * @returns {Promise<void>}
   */
  connected() {
    if (this.link === "ended" || (this.link === "up" && this.connection.open)) return Promise.resolve();
    return new Promise((resolve) => this.expecting.push(resolve));
  }

  /** What plays is the leading host's from now on. */
  arrived() {
    const slots = this.elsewhere;
    this.elsewhere = null;
    if (slots) this.state = reduce(this.state, { .../** @type {Extract<ToClient, {type: "state"}>} */ (this.newest), slots });
    if (slots) this.slots = slots;
  }

  /** @param {ToClient} message */
  receive(message) {
    if (message.type === "state") {
      this.newest = message;
      if (this.elsewhere) {
        // The leading host shows nothing here yet; what the former one forwards is still seen.
        this.elsewhere = message.slots;
        message = { ...message, slots: this.slots };
      } else this.slots = message.slots;
    }
    this.state = reduce(this.state, message);
    this.vigil.heard(browser.now());
    if ("now" in message) this.offset = message.now - Date.now() / 1000;
    if (message.type === "levels") {
      this.view.levels();
      return;
    }
    if (message.type === "pointer") {
      this.view.received(message); // ten a second: nothing else changes by it
      return;
    }
    if (message.type === "welcome") this.told = "";
    if (message.type === "layers") this.media.choose(message);
    if (message.type === "ended") this.farewell = message.sentence;
    this.view.received(message);
    // A connection that still carries media is kept: only signalling was lost. Where the bridge has none,
    // another host leads, and the one that led forwards until this page has come over.
    const wanted = message.type === "welcome" && !(message.media && this.media.up);
    if (message.type === "welcome") this.elsewhere = wanted && this.media.up ? this.slots : null;
    if (message.type === "media") this.media.start(this.view.setup());
    else if (wanted) this.media.comeOver(this.view.setup());
    else if (message.type === "move" && message.step === "build") this.media.move(this.view.setup());
    else if (message.type === "move") this.media.leave();
    if (message.type === "welcome") this.tell();
    this.view.render();
  }

  /** Tell the bridge what this page really does, where that is news. */
  tell() {
    const status = this.view.status();
    const text = JSON.stringify(status);
    if (text === this.told) return;
    this.told = text;
    this.connection.send(status);
  }

  /** Ask for the small pictures of another page of points. @param {number} page */
  turn(page) {
    this.connection.send({ type: "thumbnails", page });
  }

  /**
   * Give a command to the conference that this page is in.
   * @param {Asked} command
   */
  command(command) {
    return this.connection.command(this.state.conference?.id ?? "", command);
  }
}

/**
 * Why a command was not done, and what to do then.
 * @param {Outcome} outcome
 */
export const outcomeText = (outcome) =>
  outcome.error ? pick(outcome.error) : t(outcome.key, { seconds: String(ANSWER_LIMIT) });
