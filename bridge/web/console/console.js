// The operator's console: everything in front of who directs the conference. This module puts its
// parts together; each has a module of its own.

/** @import { ToClient } from "../types/protocol.js" */
import { speakWith } from "../common/api.js";
import { hosts } from "../common/browser.js";
import { Client } from "../common/client.js";
import { byId } from "../common/dom.js";
import { pick } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { logout, whoami } from "../common/login.js";
import { Desk } from "./desk.js";
import { renderProblems, renderQueue, tickFloor } from "./floor.js";
import { alarm, renderHeader, startHeader, tickHeader, watchReadiness } from "./header.js";
import { startHelp } from "./help.js";
import { startKeyboard } from "./keyboard.js";
import { Lobby } from "./lobby.js";
import { buildLog, renderLog, startLog } from "./log.js";
import { Orders } from "./orders.js";

const TICK = 0.5; // s

let rebuild = () => {}; // before anybody is logged in there is nothing to show
await startLanguage(() => rebuild());
await whoami(byId("login"));
byId("login").hidden = true;
byId("console").hidden = false;
byId("logout").addEventListener("click", logout);

/** @type {Client} */
const client = new Client({ kind: "console" }, {
  setup() {
    const { slots, mayDirect } = client.state;
    return { slots, layers: [], sends: mayDirect ? "console" : "none", stereo: mayDirect };
  },
  status: () => ({ type: "status", sharing: client.media.screen !== null }),
  track: (slot, track, over) => desk.attach(slot, track, over),
  received,
  linked(status) {
    if (status === "wrong_key") location.assign(hosts.address(location.pathname)); // the login has ended: ask again
  },
  mediaChanged() {},
  levels: () => desk.levels(),
  render,
}, TICK);
speakWith(() => client.connection.session);
const orders = new Orders(client);
const lobby = new Lobby(client, render, alarm);
const desk = new Desk(client, orders, lobby);
let onDesk = ""; // the conference that was shown last

/** @param {ToClient} message */
function received(message) {
  if (message.type === "welcome") {
    desk.wall.build(client.state);
    desk.sizes.forget();
  } else if (message.type === "notice") {
    orders.say(pick(message.sentence), false);
  } else desk.papers.receive(message);
  const conference = client.state.conference?.id ?? "";
  if (conference === onDesk) return;
  onDesk = conference;
  desk.clear();
  lobby.load();
}

function render() {
  const { state } = client;
  byId("lobby").hidden = !lobby.open;
  byId("desk").hidden = lobby.open;
  byId("side").hidden = lobby.open;
  renderHeader(client);
  lobby.renderRunning();
  if (lobby.open) {
    lobby.render();
    return;
  }
  desk.render();
  renderQueue(state, (point) => orders.command({ type: "grant", point }));
  renderProblems(state);
  renderLog(state);
  tick();
}

/** What changes with time alone. */
function tick() {
  client.look();
  tickHeader(client);
  if (!client.state.conference) return;
  tickFloor(client.state, client.now);
  desk.tick();
}

rebuild = () => {
  desk.build();
  buildLog();
  render();
};
startHelp();
startLog(() => renderLog(client.state));
startHeader(client);
startKeyboard(desk, lobby);
watchReadiness();
setInterval(tick, TICK * 1000);
rebuild();
Object.assign(globalThis, { room: client }); // for tests and for whoever looks from outside
client.start();
lobby.load();
