// Picture and sound: one connection, and beside it a second one while the page moves to another worker.
// Knows no DOM.

/** @import { Layers } from "../types/protocol.js" */
/** @import { Setup } from "./transport.js" */
import { looked, nothingYet, replaced } from "./changeover.js";
import { RETRY } from "./protocol.js";
import { Transport } from "./transport.js";
import { patiently, timers } from "./vigil.js";
import { repeater } from "./voice_repeats.js";

export const DISCONNECTED_LIMIT = 2.5; // s in "disconnected" until a new connection is made
export const CONNECT_LIMIT = 10; // s from the answer to "connected"
const PATIENCE = 2; // times that this limit is doubled: a machine that is busy must come to an end, too
export const LOOK_EVERY = 0.1; // s between looks at what comes by both connections
export const MOVE_LIMIT = 5; // s after which a page changes over whatever does not come
export const FLOW = 0.25; // s without anything from which on media count as lost with their host
export const FORMER_LIMIT = 15; // s after which a former connection ends, whatever the bridge says
const BUILDS = 12; // tries until the one that plays is left alone: the bridge asks again
const TIMEOUT = "timeout";
const FAILED = "failed";

/** A page's media: what it receives by slot, and the tracks that it sends. */
export class Media {
  /**
   * @param {{offer: (sdp: string, beside?: boolean) => Promise<string>}} connection
   * @param {object} handlers
   * @param {(slot: string, track: MediaStreamTrack, over: boolean) => void} handlers.track  `over`: it takes
   *   the place of one that plays
   * @param {(status: "connecting" | "up" | "down", error?: unknown) => void} handlers.status
   * @param {() => void} [handlers.moved]  the connection that was made beside plays
   * @param {import("./vigil.js").Timers} [clock]
   */
  constructor(connection, handlers, clock = timers) {
    this.connection = connection;
    this.clock = clock;
    this.handlers = handlers;
    /** The connection that plays. @type {Transport | null} */
    this.now = null;
    /** The one that is made beside it. @type {Transport | null} */
    this.next = null;
    /** The one from before: others may still see by it what this page sends. @type {Transport | null} */
    this.former = null;
    /** The microphone's sound, whatever becomes of the camera. @type {MediaStreamTrack | null} */
    this.voice = null;
    /** The camera's picture. @type {MediaStreamTrack | null} */
    this.camera = null;
    /** @type {MediaStreamTrack | null} */
    this.screen = null;
    /** The sound of a film that is shared. @type {MediaStreamTrack | null} */
    this.film = null;
    /** @type {Setup} */
    this.setup = { slots: { video: [], audio: [] }, layers: [], sends: "none" };
    this.sending = false; // camera and microphone are sent only inside a conference
    this.microphone = true;
    this.talking = false; // the microphone is sent, whatever becomes of the rest
    this.tries = 0;
    this.builds = 0; // tries in a row to make a connection beside
    /** Connections in a row that the bridge answered and that never came up. */
    this.failures = 0;
    this.reached = false; // this one has been up
    this.unwait = () => {}; // ends what is waited for
    this.unlinger = () => {}; // ends the wait for the former connection's end
    this.generation = 0;
  }

  /** The connection of the browser that plays. */
  get pc() {
    return this.now?.pc ?? null;
  }

  /** What the programme's slot receives. */
  get programme() {
    return this.now?.tracks.get("programme") ?? null;
  }

  get repeats() {
    return this.now?.repeats ?? null;
  }

  /** Whether media flows now. */
  get up() {
    return this.now?.up ?? false;
  }

  /**
   * Make a fresh connection; an old one is dropped.
   * @param {Setup} setup
   */
  start(setup) {
    this.setup = setup;
    this.tries = 0;
    this.again();
  }

  /**
   * Make a connection beside the one that plays, and change over when its pictures flow.
   * @param {Setup} setup
   */
  move(setup) {
    if (!this.up) {
      this.start(setup);
      return;
    }
    this.setup = setup;
    this.builds = 1;
    this.build();
  }

  /**
   * Another host leads. The one that led forwards until this page has come over, or is lost with its
   * media: then there is nothing to wait for.
   * @param {Setup} setup
   */
  async comeOver(setup) {
    const { generation } = this;
    const flows = this.up && await this.flows();
    if (generation !== this.generation) return; // something else was done meanwhile
    if (flows) this.move(setup);
    else this.start(setup);
  }

  /** Whether anything comes just now. */
  async flows() {
    const before = total(await this.now?.received());
    await new Promise((resolve) => this.clock.later(() => resolve(null), FLOW));
    return total(await this.now?.received()) > before;
  }

  stop() {
    this.unwait();
    this.generation += 1;
    this.now?.close();
    this.next?.close();
    this.now = this.next = null;
    this.leave();
  }

  /** Nobody is shown anything of the former connection any more. */
  leave() {
    this.unlinger();
    this.former?.close();
    this.former = null;
  }

  again() {
    this.unwait();
    const delay = RETRY[Math.min(this.tries, RETRY.length - 1)];
    this.tries += 1;
    const timer = this.clock.later(() => this.connect(), delay);
    this.unwait = () => this.clock.cancel(timer);
  }

  /**
   * Give a connection up that stays in a state for too long.
   * @param {number} generation @param {number} seconds @param {string} why
   */
  giveUpAfter(generation, seconds, why) {
    this.unwait();
    this.unwait = patiently(this.clock, seconds, () => this.failed(generation, why));
  }

  async connect() {
    this.stop();
    const generation = this.generation;
    this.reached = false;
    this.handlers.status("connecting");
    const worker = await this.repeater();
    if (generation !== this.generation) return;
    const now = new Transport(this.setup);
    this.now = now;
    now.pc.onconnectionstatechange = () => this.changed(now, generation);
    try {
      if (!await now.negotiate((sdp) => this.connection.offer(sdp), worker)) return;
      for (const [slot, track] of now.tracks) this.handlers.track(slot, track, false);
      await this.feed();
      if (generation === this.generation && !this.up) this.giveUpAfter(generation, CONNECT_LIMIT * 2 ** Math.min(this.failures, PATIENCE), TIMEOUT);
    } catch (error) {
      this.failed(generation, error);
    }
  }

  /** What repeats sound in rooms. */
  async repeater() {
    return this.setup.sends === "room" ? repeater().catch(() => null) : null;
  }

  // --- the change from one connection to another ----------------------------------------------

  async build() {
    this.next?.close();
    const next = new Transport(this.setup);
    this.next = next;
    try {
      const worker = await this.repeater();
      if (next.closed || !await next.negotiate((sdp) => this.connection.offer(sdp, true), worker)) return;
      await next.feed(this.sent());
      this.watch(next, nothingYet(), 0);
    } catch {
      this.drop(next); // a host that leads since a moment may have no worker yet
      const delay = RETRY[Math.min(this.builds, RETRY.length - 1)];
      this.builds += 1;
      const { generation } = this;
      this.clock.later(() => {
        if (generation === this.generation && !this.next && this.builds <= BUILDS) this.build();
      }, delay);
    }
  }

  /** @param {Transport} next */
  drop(next) {
    next.close();
    if (this.next === next) this.next = null;
  }

  /**
   * Look what comes by both connections, until the next one has all.
   * @param {Transport} next @param {import("./changeover.js").Flow} flow @param {number} waited  s
   */
  async watch(next, flow, waited) {
    const { now } = this;
    const [here, there] = await Promise.all([now?.received(), next.received()]);
    if (next.closed || !now || now !== this.now) return;
    const seen = looked(flow, here ?? new Map());
    if (next.up && (replaced(seen, there) || waited >= MOVE_LIMIT)) this.change(next);
    else if (next.pc.connectionState === "failed" || waited >= CONNECT_LIMIT) this.drop(next);
    else this.clock.later(() => this.watch(next, seen, waited + LOOK_EVERY), LOOK_EVERY);
  }

  /** Play the connection that was made beside. @param {Transport} next */
  change(next) {
    this.leave();
    this.unwait();
    this.former = this.now;
    if (this.former) this.former.pc.onconnectionstatechange = null;
    this.now = next;
    this.next = null;
    this.generation += 1;
    this.tries = this.failures = 0;
    this.reached = true;
    const { generation } = this;
    next.pc.onconnectionstatechange = () => this.changed(next, generation);
    for (const [slot, track] of next.tracks) this.handlers.track(slot, track, true);
    this.feed();
    const timer = this.clock.later(() => this.leave(), FORMER_LIMIT);
    this.unlinger = () => this.clock.cancel(timer);
    this.handlers.moved?.();
    this.handlers.status("up");
  }

  // --- what is sent ---------------------------------------------------------------------------

  /** The tracks that are to be sent now. @returns {import("./transport.js").Sent} */
  sent() {
    return {
      voice: (this.sending && this.microphone) || this.talking ? this.voice : null,
      camera: this.sending ? this.camera : null,
      screen: this.screen,
      film: this.film,
    };
  }

  /** Put them on the lines of every connection; needs no negotiation. */
  async feed() {
    await Promise.all([this.former, this.now, this.next].map((transport) => transport?.feed(this.sent())));
  }

  /**
   * Send another microphone and camera without a new negotiation; null is none.
   * @param {MediaStreamTrack | null} voice
   * @param {MediaStreamTrack | null} camera
   */
  async replace(voice, camera) {
    this.voice = voice;
    this.camera = camera;
    await this.feed();
  }

  /**
   * Whether camera and microphone are sent. @param {boolean} sending @param {boolean} microphone
   */
  async send(sending, microphone = true) {
    if (this.sending === sending && this.microphone === microphone) return;
    this.sending = sending;
    this.microphone = microphone;
    await this.feed();
  }

  /** Whether the microphone is sent in any case: an operator speaks to this room, or from this page. @param {boolean} talking */
  async talk(talking) {
    if (this.talking === talking) return;
    this.talking = talking;
    await this.feed();
  }

  /**
   * Share a screen or a film, or stop with null.
   * @param {MediaStreamTrack | null} track
   * @param {"detail" | "motion"} [hint]  what must be kept where the line does not carry both
   * @param {MediaStreamTrack | null} [sound]  of a film
   */
  async share(track, hint = "detail", sound = null) {
    this.screen?.stop();
    this.film?.stop();
    this.screen = track;
    this.film = sound;
    if (track) track.contentHint = hint;
    if (sound) sound.contentHint = "music";
    await this.feed();
  }

  /** Send these layers of a source and no others. @param {Layers} layers */
  async choose(layers) {
    await this.now?.choose(layers);
  }

  // --- how the connection stands --------------------------------------------------------------

  /** @param {Transport} transport @param {number} generation */
  changed({ pc }, generation) {
    if (generation !== this.generation) return;
    if (pc.connectionState === "connected") {
      this.tries = 0;
      this.failures = 0;
      this.reached = true;
      this.unwait();
      this.handlers.status("up");
    } else if (pc.connectionState === "failed") {
      this.failed(generation, FAILED);
    } else if (pc.connectionState === "disconnected") {
      this.giveUpAfter(generation, DISCONNECTED_LIMIT, "disconnected");
    }
  }

  /** @param {number} generation @param {unknown} error */
  failed(generation, error) {
    if (generation !== this.generation) return;
    if (this.next?.up) {
      this.change(this.next); // nothing is better than what this one gives
      return;
    }
    // Anything else (the bridge did not answer, a line was cut) is told in other ways.
    if (!this.reached && (error === TIMEOUT || error === FAILED)) this.failures += 1;
    this.stop();
    this.handlers.status("down", error);
    this.again();
  }
}

/** @param {Map<string, number> | undefined} counts  by slot */
const total = (counts) => [...(counts?.values() ?? [])].reduce((sum, count) => sum + count, 0);
