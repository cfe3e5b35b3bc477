// The page of a point, a kiosk: it joins by itself, sends its camera and microphone in a conference,
// shows what it receives, and says how its connections stand. Rooms and desks add parts of their own.

/** @import { FromClient, SessionBody, ToClient } from "../types/protocol.js" */
/** @import { Identity } from "./identity.js" */
import { isLoopback } from "../common/blocked.js";
import { browser, hosts } from "../common/browser.js";
import { Client } from "../common/client.js";
import { byId, setText } from "../common/dom.js";
import { pick } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { QUIET_LIMIT } from "../common/protocol.js";
import { Refused, errorText } from "../common/refused.js";
import { pointOf } from "../common/state.js";
import { Vigil } from "../common/vigil.js";
import { awayOf } from "./away.js";
import { Bar } from "./bar.js";
import { Devices } from "./devices.js";
import { forget } from "./identity.js";
import { watchPlayback } from "./playback.js";
import { Stage } from "./stage.js";
import { callThrough } from "./test_call.js";
import { mySeat, statusOf, talkOf } from "./texts.js";

const TICK = 0.25; // s
/** Whether the bridge is this very computer: no cable lies between them, whatever the browser thinks. */
const LOCAL = isLoopback(location.hostname);

/** What every point's page does. What differs is in the methods that a page of its own overrides. */
export class PointPage {
  /** @param {SessionBody} identity @param {Devices} devices */
  constructor(identity, devices) {
    this.identity = identity;
    this.devices = devices;
    this.mediaRefusal = ""; // why the bridge does not take this page's offer
    this.mediaAway = new Vigil(TICK, browser.now()); // how long there has been no media
    const render = () => this.render();
    /** @type {Client} */
    this.client = new Client(identity, {
      setup: () => ({ slots: this.client.state.slots, layers: this.client.state.layers, sends: "room", stereo: devices.profile === "codec" }),
      status: () => this.status(),
      track: (slot, track, over) => this.stage.attach(slot, track, over),
      received: (message) => this.received(message),
      linked() {},
      mediaChanged: (error) => this.mediaChanged(error),
      levels: () => this.stage.renderLevels(),
      render,
    }, TICK);
    this.stage = new Stage(this.client, () => devices.camera.live, render);
    this.bar = this.barOf(render);
    this.stage.papers.presentBy(this.bar);
  }

  // --- what a page of its own overrides -----------------------------------------------------

  /** The bar under the stage. @param {() => void} changed */
  barOf(changed) {
    return new Bar(this.client, this.devices, changed);
  }

  /** Whose small pictures are shown. */
  get tiles() {
    return this.client.state;
  }

  /** Who calls itself when the operator asks whether this point is ready; null: it has no device. @returns {Identity | null} */
  get caller() {
    const { point, key } = this.identity;
    return point && key ? { point, key } : null;
  }

  get title() {
    const self = pointOf(this.client.state, this.client.state.self);
    return self ? pick(self.name) : "Điểm Cầu";
  }

  /** The bridge has let this page in. */
  welcomed() {}

  /** Render what only this page has. */
  renderParts() {}

  /** Render what of it changes with time alone. */
  tickParts() {}

  // --- what all do --------------------------------------------------------------------------

  devicesChanged() {
    const { client, devices, stage } = this;
    client.media.replace(devices.microphone.track, devices.camera.track);
    stage.reflect(devices.camera.live ? devices.camera.track : null);
    stage.sounds.playOn(devices.speaker);
    client.tell();
    this.render();
  }

  /** What this page really does, beside what is wanted of it. @returns {Extract<FromClient, {type: "status"}>} */
  status() {
    const { client, devices } = this;
    const { sending, screen } = client.media;
    return {
      type: "status",
      camera: devices.camera.live,
      microphone: devices.microphone.live,
      camera_fault: devices.camera.fault,
      microphone_fault: devices.microphone.fault,
      sending,
      sharing: screen !== null,
      layout: mySeat(client.state) ? (client.state.conference?.layout ?? "") : "",
    };
  }

  /** @param {ToClient} message */
  received(message) {
    if (message.type === "welcome") {
      this.stage.tiles.build(this.tiles);
      this.stage.sizes.forget();
      this.devices.treat(message.sound);
      this.welcomed();
    } else if (message.type === "state") this.obey();
    else if (message.type === "strokes" || message.type === "pointer" || message.type === "error") this.stage.papers.receive(message);
    else if (message.type === "call") this.call(message.id);
    else if (message.type === "ended" && message.reason === "revoked") forget();
  }

  /** The operator wants to know whether this point is ready. @param {number} id  of the question */
  async call(id) {
    const { caller, devices } = this;
    if (!caller) return;
    const found = await callThrough(caller, devices.microphone.track, devices.camera.track);
    this.client.connection.send({ type: "called", id, ...found });
  }

  /** Send camera and microphone only inside a conference; what is heard the bridge enforces. */
  obey() {
    const seat = mySeat(this.client.state);
    const muted = seat?.self_muted ?? false;
    this.client.media.send(seat?.called ?? false, !muted);
    this.client.media.talk(talkOf(this.client.state) !== null && !muted);
    this.bar.screen.yield();
    this.client.tell();
  }

  /** @param {unknown} error */
  mediaChanged(error) {
    const refused = error instanceof Refused ? error : null;
    // 503 is a worker that is starting: that passes by itself and is said as such.
    this.mediaRefusal = refused && refused.status !== 503 ? errorText(refused) : "";
    if (refused?.status === 401) this.client.connection.forgetSession();
  }

  render() {
    const self = pointOf(this.client.state, this.client.state.self);
    setText(byId("self"), self ? pick(self.name) : "Điểm Cầu");
    this.stage.render();
    this.bar.render();
    this.renderParts();
    document.title = this.title;
    this.renderLink();
  }

  /** How the connections stand, and what is said over everything while the point is cut off. */
  renderLink() {
    const { client, bar, devices, mediaAway } = this;
    const { farewell, link, problem, connection, state, mediaLink } = client;
    const quiet = client.silence > QUIET_LIMIT;
    const refusal = bar.refusal || this.mediaRefusal;
    const faults = { camera: devices.camera.fault, microphone: devices.microphone.fault };
    const [level, text] = statusOf({ farewell, link: link === "up" && quiet ? "down" : link, problem, refusal, mediaLink, faults });
    setText(byId("status"), text);
    byId("status").dataset.level = level;
    if (mediaLink === "up") mediaAway.heard(browser.now());
    const shown = awayOf({
      farewell, link, problem, cause: connection.cause, quiet,
      cable: LOCAL || navigator.onLine, worker: state.worker, mediaDown: mediaAway.silence,
      blocked: client.blocked, contact: state.contact,
    });
    byId("away").hidden = shown === null;
    byId("away").dataset.kind = shown?.kind ?? "";
    setText(byId("away-title"), shown?.title ?? "");
    setText(byId("away-next"), shown?.next ?? "");
  }

  tick() {
    this.client.look();
    this.mediaAway.look(browser.now());
    this.stage.tick();
    this.tickParts();
    this.renderLink();
  }

  start() {
    const { client, devices } = this;
    watchPlayback(client.media, (message) => client.connection.send(message));
    Object.assign(globalThis, { room: client }); // for tests and for whoever looks from outside
    devices.open();
    client.start();
    setInterval(() => this.tick(), TICK * 1000);
  }
}

/**
 * Show a point's page as soon as it is known which point this is, and go on with it.
 * @template {SessionBody} Who
 * @param {() => Promise<Who>} who
 * @param {(identity: Who, devices: Devices) => PointPage} pageOf
 */
export async function showPoint(who, pageOf) {
  /** @type {PointPage | null} */
  let page = null; // before the point is known there is nothing to show and nowhere to send to
  await startLanguage(() => page?.render());
  const devices = new Devices(() => page?.devicesChanged());
  await hosts.follow(); // the host that gave this page may wait
  const identity = await who();
  byId("join").hidden = true;
  byId("room").hidden = false;
  page = pageOf(identity, devices);
  page.start();
}
