// The room page, a kiosk: a point joins by itself, sees the programme, and is heard when invited.
// This module puts its parts together; each has a module of its own.

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
import { awayOf } from "./away.js";
import { Bar } from "./bar.js";
import { Devices } from "./devices.js";
import { forget, identify } from "./identity.js";
import { watchPlayback } from "./playback.js";
import { Stage } from "./stage.js";
import { callThrough } from "./test_call.js";
import { mySeat, statusOf } from "./texts.js";
import { RegistrationCode } from "./registration.js";
import { Vote } from "./vote.js";

const TICK = 0.25; // s
/** Whether the bridge is this very computer: no cable lies between them, whatever the browser thinks. */
const LOCAL = isLoopback(location.hostname);

let rebuild = () => {}; // before the point is known there is nothing to show
await startLanguage(() => rebuild());
let devicesChanged = () => {}; // before the point is known there is nowhere to send to
const devices = new Devices(() => devicesChanged());
const identity = await identify();
byId("join").hidden = true;
byId("room").hidden = false;

let mediaRefusal = ""; // why the bridge does not take this page's offer
const mediaAway = new Vigil(TICK, browser.now()); // how long there has been no media

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
const bar = new Bar(client, devices, render);
stage.papers.presentBy(bar);
const vote = new Vote(client, bar);
const registration = new RegistrationCode(client);
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
  };
}

/** @param {ToClient} message */
function received(message) {
  if (message.type === "welcome") {
    stage.tiles.build(client.state);
    stage.sizes.forget();
    devices.treat(message.sound);
    vote.signing.introduce(client.connection.session).catch(() => {}); // tried again with the first ballot
  } else if (message.type === "state") obey();
  else if (message.type === "strokes" || message.type === "pointer" || message.type === "error") stage.papers.receive(message);
  else if (message.type === "call") call(message.id);
  else if (message.type === "ended" && message.reason === "revoked") forget();
}

/** The operator wants to know whether this room is ready. @param {number} id  of the question */
async function call(id) {
  const found = await callThrough(identity, devices.microphone.track, devices.camera.track);
  client.connection.send({ type: "called", id, ...found });
}

/** Send camera and microphone only inside a conference; what is heard the bridge enforces. */
function obey() {
  const seat = mySeat(client.state);
  client.media.send(seat?.called ?? false, !(seat?.self_muted ?? false));
  bar.screen.yield();
  client.tell();
}

/** @param {unknown} error */
function mediaChanged(error) {
  const refused = error instanceof Refused ? error : null;
  // 503 is a worker that is starting: that passes by itself and is said as such.
  mediaRefusal = refused && refused.status !== 503 ? errorText(refused) : "";
  if (refused?.status === 401) client.connection.forgetSession();
}

function render() {
  const self = pointOf(client.state, client.state.self);
  const name = self ? pick(self.name) : "Điểm Cầu";
  setText(byId("self"), name);
  document.title = name;
  stage.render();
  bar.render();
  vote.render();
  registration.render();
  renderLink();
}

/** How the connections stand, and what is said over everything while the room is cut off. */
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
  vote.render();
  registration.render();
  renderLink();
}

rebuild = render;
watchPlayback(client.media, (message) => client.connection.send(message));
Object.assign(globalThis, { room: client }); // for tests and for whoever looks from outside
devices.open();
client.start();
setInterval(tick, TICK * 1000);
