// The page of a desk: a citizen's desk calls an officer, an officer is called. It is a room page with
// another bar: a call is a conference of two.

/** @import { ToClient } from "../types/protocol.js" */
import { isLoopback } from "../common/blocked.js";
import { browser } from "../common/browser.js";
import { Client } from "../common/client.js";
import { byId, setText } from "../common/dom.js";
import { pick } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { QUIET_LIMIT } from "../common/protocol.js";
import { Refused, errorText } from "../common/refused.js";
import { pointOf } from "../common/state.js";
import { Vigil } from "../common/vigil.js";
import { awayOf } from "../room/away.js";
import { Bar } from "../room/bar.js";
import { Devices } from "../room/devices.js";
import { forget } from "../room/identity.js";
import { Stage } from "../room/stage.js";
import { callThrough } from "../room/test_call.js";
import { mySeat, statusOf } from "../room/texts.js";
import { CallPanel } from "./call_panel.js";
import { whoSits } from "./who.js";

const TICK = 0.25; // s
const LOCAL = isLoopback(location.hostname);

/** The bar of a room without a floor to ask for. */
class CallBar extends Bar {
  ask() {}
}

let rebuild = () => {}; // before it is known whose desk this is there is nothing to show
await startLanguage(() => rebuild());
let devicesChanged = () => {};
const devices = new Devices(() => devicesChanged());
const identity = await whoSits();
byId("join").hidden = true;
byId("room").hidden = false;

let mediaRefusal = ""; // why the bridge does not take this page's offer
const mediaAway = new Vigil(TICK, browser.now());

/** @type {Client} */
const client = new Client(identity, {
  setup: () => ({ slots: client.state.slots, layers: client.state.layers, sends: "room", stereo: devices.profile === "codec" }),
  status,
  track: (slot, track) => stage.attach(slot, track),
  received,
  linked() {},
  mediaChanged,
  levels: () => stage.renderLevels(),
  render,
}, TICK);
const stage = new Stage(client, () => devices.camera.live, render);
const bar = new CallBar(client, devices, render);
stage.papers.presentBy(bar);
const panel = new CallPanel(client, (command) => bar.command(command), () => client.tell());
devicesChanged = () => {
  client.media.replace(devices.microphone.track, devices.camera.track);
  stage.reflect(devices.camera.live ? devices.camera.track : null);
  stage.sounds.playOn(devices.speaker);
  client.tell();
  render();
};

/** What this page really does, beside what is wanted of it. */
function status() {
  const { sending, screen } = client.media;
  return {
    type: /** @type {const} */ ("status"),
    camera: devices.camera.live,
    microphone: devices.microphone.live,
    camera_fault: devices.camera.fault,
    microphone_fault: devices.microphone.fault,
    sending,
    sharing: screen !== null,
    layout: mySeat(client.state) ? (client.state.conference?.layout ?? "") : "",
    away: panel.away,
  };
}

/** @param {ToClient} message */
function received(message) {
  if (message.type === "welcome") {
    stage.tiles.build({ ...client.state, points: [] });
    stage.sizes.forget();
    devices.treat(message.sound);
  } else if (message.type === "state") {
    const seat = mySeat(client.state);
    client.media.send(seat?.called ?? false, !(seat?.self_muted ?? false));
    bar.screen.yield();
    client.tell();
  } else if (message.type === "strokes" || message.type === "pointer" || message.type === "error") stage.papers.receive(message);
  else if (message.type === "call") call(message.id);
  else if (message.type === "ended" && message.reason === "revoked") forget();
}

/** @param {number} id  of the question whether this desk is ready */
async function call(id) {
  if (!identity.key) return; // an officer who has logged in has no device that could call itself
  const found = await callThrough({ point: identity.point ?? "", key: identity.key }, devices.microphone.track, devices.camera.track);
  client.connection.send({ type: "called", id, ...found });
}

/** @param {unknown} error */
function mediaChanged(error) {
  const refused = error instanceof Refused ? error : null;
  mediaRefusal = refused && refused.status !== 503 ? errorText(refused) : "";
  if (refused?.status === 401) client.connection.forgetSession();
}

function render() {
  const self = pointOf(client.state, client.state.self);
  setText(byId("self"), self ? pick(self.name) : "Điểm Cầu");
  stage.render();
  bar.render();
  panel.render();
  document.title = `${panel.stage === "rung" ? "☎ " : ""}${self ? pick(self.name) : "Điểm Cầu"}`;
  renderLink();
}

/** How the connections stand, and what is said over everything while the desk is cut off. */
function renderLink() {
  const { farewell, link, problem, connection, state, mediaLink } = client;
  const quiet = client.silence > QUIET_LIMIT;
  const refusal = bar.refusal || mediaRefusal;
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

function tick() {
  client.look();
  mediaAway.look(browser.now());
  stage.tick();
  panel.tick();
  renderLink();
}

rebuild = render;
Object.assign(globalThis, { room: client }); // for tests and for whoever looks from outside
devices.open();
client.start();
setInterval(tick, TICK * 1000);
