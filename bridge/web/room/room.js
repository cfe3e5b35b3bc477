// The room page, a kiosk: a point joins by itself, sees the programme, and is heard when invited.
// This module puts its parts together; each has a module of its own.

/** @import { ToClient } from "../types/protocol.js" */
import { Client } from "../common/client.js";
import { byId, setText } from "../common/dom.js";
import { pick } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { Refused, errorText } from "../common/refused.js";
import { pointOf } from "../common/state.js";
import { Bar } from "./bar.js";
import { Devices } from "./devices.js";
import { forget, identify } from "./identity.js";
import { watchPlayback } from "./playback.js";
import { Stage } from "./stage.js";
import { mySeat, statusOf } from "./texts.js";

const TICK = 500; // ms

let rebuild = () => {}; // before the point is known there is nothing to show
await startLanguage(() => rebuild());
const identity = await identify();
byId("join").hidden = true;
byId("room").hidden = false;

let mediaRefusal = ""; // why the bridge does not take this page's offer

/** @type {Client} */
const client = new Client(identity, {
  setup: () => ({ slots: client.state.slots, layers: client.state.layers, sends: "room" }),
  status,
  track: (slot, track) => stage.attach(slot, track),
  received,
  linked() {},
  mediaChanged,
  levels: () => stage.tiles.renderLevels(client.state),
  render,
});
const stage = new Stage(client);
const bar = new Bar(client, render);
const devices = new Devices(client.media, stage.own, () => {
  client.tell();
  render();
});

/** What this page really does, beside what is wanted of it. */
function status() {
  const { local, sending, screen } = client.media;
  const live = (/** @type {MediaStreamTrack} */ track) => track.readyState === "live";
  return {
    type: /** @type {const} */ ("status"),
    camera: local?.getVideoTracks().some(live) ?? false,
    microphone: local?.getAudioTracks().some(live) ?? false,
    sending,
    sharing: screen !== null,
    layout: mySeat(client.state) ? (client.state.conference?.layout ?? "") : "",
  };
}

/** @param {ToClient} message */
function received(message) {
  if (message.type === "welcome") stage.tiles.build(client.state);
  else if (message.type === "state") obey();
  else if (message.type === "ended" && message.reason === "revoked") forget();
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
  const { farewell, link, problem, mediaLink } = client;
  const refusal = bar.refusal || mediaRefusal;
  const known = { farewell, link, problem, refusal, mediaLink, deviceError: devices.error };
  const [level, text] = statusOf(known);
  setText(byId("status"), text);
  byId("status").dataset.level = level;
  stage.render();
  bar.render();
}

rebuild = render;
watchPlayback(client.media, (message) => client.connection.send(message));
Object.assign(globalThis, { room: client }); // for tests and for whoever looks from outside
await devices.open();
client.start();
setInterval(() => stage.tick(), TICK);
