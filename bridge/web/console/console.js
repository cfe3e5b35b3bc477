// The operator's console: everything in front of who directs the conference.

import { get, post } from "../common/api.js";
import { fillTexts, pick, problemText, t } from "../common/i18n.js";
import { logout, whoami } from "../common/login.js";
import { Media } from "../common/media.js";
import { byId, confirmed, startLanguage, startSound, timeText } from "../common/page.js";
import { Connection, Refused } from "../common/protocol.js";
import { clockText, initial, pointOf, reduce, shownIn, spent } from "../common/state.js";
import { Sounds, Tiles, make, makeVideo, setMark, setText } from "../common/tiles.js";
import { lineText } from "./log.js";
import { KEYS, actionOf } from "./keys.js";

const STALE = 1.5; // seconds without any figure until the console says so
const LAYOUTS = ["speaker", "alone", "grid", "content"];
const OLD_LINE = 6; // seconds after which a line's figures are old
const LOBBY_REFRESH = 5000; // ms
const READINESS_EVERY = 10000; // ms
const LOG_SHOWN = 400; // lines in the page at once

let state = initial;
let link = "connecting";
let mediaLink = "connecting";
let farewell = "";
let heardAt = 0; // performance.now() of the last message
let offset = 0; // the bridge's UTC seconds minus ours
/** @type {string | null} */
let selected = null;
let chosen = 0; // in the lobby
/** @type {{id: string, editable: boolean, template: any}[]} */
let templates = [];
let logKey = "";
/** @type {string | null} */
let askedLayout = null;
let lobbyOpen = false; // while a conference runs: to start another one

await startLanguage(() => render(true));
const me = await whoami(byId("login"));
byId("login").hidden = true;
byId("console").hidden = false;
byId("logout").addEventListener("click", logout);

const programme = makeVideo(byId("stage"), t("console.programme_picture"));
byId("stage").prepend(programme);
const preview = makeVideo(byId("preview-stage"), t("console.preview_picture"));
byId("preview-stage").prepend(preview);
const content = makeVideo(byId("content-stage"), t("console.content"));
const sounds = new Sounds();
startSound(sounds);
const tiles = new Tiles(byId("tiles"), {
  select: (point) => act("preview", point),
  take: (point) => command({ type: "take", point }),
});

const connection = new Connection({ kind: "console" }, {
  message: received,
  status: (status) => {
    link = status;
    if (status === "ended") media.stop();
    if (status === "wrong_key") location.reload(); // the login has ended: ask again
    render();
  },
});
const media = new Media(connection, {
  track: attach,
  status: (status) => {
    mediaLink = status;
    render();
  },
});
Object.assign(globalThis, { room: { connection, media, state: () => state }, selected: () => selected });

/** @param {string} slot @param {MediaStreamTrack} track */
function attach(slot, track) {
  const stream = new MediaStream([track]);
  if (slot === "programme") programme.srcObject = stream;
  else if (slot === "preview") preview.srcObject = stream;
  else if (slot === "content") content.srcObject = stream;
  else if (slot.startsWith("audio:")) sounds.attach(slot, track);
  else {
    const video = tiles.video(slot.replace("thumb:", ""));
    if (video) video.srcObject = stream;
  }
}

/** @param {any} message */
function received(message) {
  const before = state;
  state = reduce(state, message);
  heardAt = performance.now();
  if (message.now) offset = message.now - Date.now() / 1000;
  if (message.type === "welcome") {
    tiles.build(state);
    if (!(message.media && media.up)) startMedia();
    tellStatus();
  } else if (message.type === "media") {
    startMedia();
  } else if (message.type === "ended") {
    farewell = pick(message.sentence);
  } else if (message.type === "levels") {
    tiles.renderLevels(state);
    return;
  } else if (message.type === "notice") {
    say(pick(message.sentence), false);
  }
  if (before.conference?.id !== state.conference?.id) {
    selected = null;
    loadLobby();
  }
  render();
}

function startMedia() {
  media.start({ slots: state.slots, layers: [], sends: state.mayDirect ? "console" : "none" });
}

function tellStatus() {
  connection.send({ type: "status", sharing: media.screen !== null });
}

const now = () => Date.now() / 1000 + offset;

// --- asking --------------------------------------------------------------------------------

/** @param {string} text @param {boolean} ok */
function say(text, ok) {
  const answer = byId("answer");
  answer.textContent = text;
  answer.dataset.ok = String(ok);
}

/** @param {any} asked @returns {Promise<boolean>} */
async function command(asked) {
  const conference = state.conference?.id;
  if (!conference) {
    say(t("console.no_conference"), false);
    return false;
  }
  return finish(await connection.command(conference, asked), () => command(asked));
}

/**
 * Say what came out; where somebody else directs, offer to take over and do it then.
 * @param {{ok: boolean, error: any, key?: string}} result
 * @param {() => Promise<boolean>} again
 */
async function finish(result, again) {
  if (result.ok) {
    say("✓", true);
    return true;
  }
  say(result.error ? pick(result.error) : t("page.no_answer"), false);
  if (result.key === "refusal.other_director" || result.key === "refusal.confirm_take_over") {
    if (await confirmed(pick(result.error), t("console.take_over"))) {
      const id = state.conference?.id ?? "";
      const taken = await connection.command(id, { type: "direct", take_over: true });
      if (taken.ok && result.key === "refusal.other_director") return again();
      if (taken.ok) say("✓", true);
    }
  }
  return false;
}

/** @param {string} action @param {string | null} [point] */
function act(action, point = selected) {
  const conference = state.conference;
  const seat = point ? conference?.seats[point] : undefined;
  switch (action) {
    case "preview":
      selected = point;
      render();
      return command({ type: "preview", point });
    case "take":
      return command({ type: "take" });
    case "return":
      return command({ type: "return" });
    case "mute":
      if (!point) return say(t("console.select_first"), false);
      return command({ type: seat?.microphone ? "mute" : "unmute", point });
    case "lock_microphone":
      if (!point) return say(t("console.select_first"), false);
      return command(seat?.locked ? { type: "unmute", point } : { type: "mute", point, lock: true });
    case "mute_all":
      return command({ type: "mute_all", but: "speaker" });
    case "floor":
      return command({ type: "grant" });
    case "floor_selected":
      if (!point) return say(t("console.select_first"), false);
      return command({ type: "grant", point });
    case "next":
      return command({ type: "next" });
    case "layout": {
      // Two quick presses are two steps, also before the first is confirmed.
      const at = LAYOUTS.indexOf(askedLayout ?? conference?.layout ?? "speaker");
      const layout = LAYOUTS[(at + 1) % LAYOUTS.length];
      askedLayout = layout;
      return command({ type: "layout", layout }).finally(() => {
        if (askedLayout === layout) askedLayout = null;
      });
    }
    case "camera":
      if (!point) return say(t("console.select_first"), false);
      return command({ type: "camera", point, off: !seat?.camera_off });
    case "drop":
      if (!point) return say(t("console.select_first"), false);
      return seat?.dropped ? command({ type: "recall", point }) : drop(point);
    case "roll_call":
      return command(conference?.roll_call ? { type: "stop_roll_call" } : { type: "roll_call", seconds: 20 });
    case "lock":
      return command({ type: "lock", locked: !conference?.closed });
    case "extend":
      return command({ type: "extend", minutes: 15 });
    case "share":
      return share();
    case "start":
      return conference && !lobbyOpen ? command({ type: "start" }) : openTemplate(chosen, true);
    case "end":
      return end();
    case "direct":
      return command({ type: "direct" });
    case "banner":
    case "typed":
      byId("line").focus();
      if (action === "banner") /** @type {HTMLInputElement} */ (byId("line")).value = "banner ";
      return undefined;
    case "help":
      return /** @type {HTMLDialogElement} */ (byId("help")).showModal();
  }
  return undefined;
}

/** @param {string} point */
async function drop(point) {
  const name = pick(pointOf(state, point)?.name);
  if (await confirmed(t("console.drop_sure", { name }), t("console.drop"))) command({ type: "drop", point });
}

async function end() {
  if (!state.conference) return;
  const { id } = state.conference;
  if (!(await confirmed(t("console.end_sure"), t("console.end")))) return;
  if (await command({ type: "end" })) {
    say(t("console.ended"), true);
    byId("lobby").dataset.ended = id;
  }
}

async function share() {
  if (media.screen) return stopSharing();
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } } });
    const [track] = stream.getVideoTracks();
    track.onended = stopSharing;
    await media.share(track);
    tellStatus();
    if (!(await command({ type: "share" }))) await stopSharing();
  } catch {
    say(t("console.no_screen"), false);
  }
  render();
}

async function stopSharing() {
  await media.share(null);
  tellStatus();
  if (state.conference?.content === `user:${state.user}`) await command({ type: "stop_share" });
  render();
}

// --- the lobby -----------------------------------------------------------------------------

async function loadLobby() {
  try {
    templates = await get("/templates");
    renderLobby();
    const past = await get("/conferences?limit=10");
    const list = byId("past");
    list.replaceChildren();
    for (const item of past.filter((/** @type {any} */ entry) => entry.phase === "ended")) {
      const row = make("li", "", list);
      make("span", "grow", row).textContent = `${timeText(item.opened_at, state.zone, "day")} · ${pick(item.title)}`;
      const report = /** @type {HTMLAnchorElement} */ (make("a", "button", row));
      report.href = `/report?id=${encodeURIComponent(item.id)}`;
      report.textContent = t("console.report");
      report.dataset.report = item.id;
    }
  } catch {
    setTimeout(loadLobby, LOBBY_REFRESH);
  }
}

function renderLobby() {
  const list = byId("templates");
  list.replaceChildren();
  templates.forEach(({ id, template }, index) => {
    const row = make("li", index === chosen ? "chosen" : "", list);
    const points = template.points?.length ? template.points : state.points.map((p) => p.id);
    const ready = points.filter((/** @type {string} */ p) => ["ready", "in_session"].includes(state.presence[p] ?? ""));
    make("strong", "grow", row).textContent = template.title[document.documentElement.lang] ?? template.title.vi;
    make("span", "sub", row).textContent = t("console.ready_points", {
      ready: String(ready.length),
      points: String(points.length),
    });
    if (!state.mayDirect) return;
    const start = make("button", "primary", row);
    start.textContent = index === chosen ? `${t("console.start")} (S)` : t("console.start");
    start.dataset.start = id;
    start.addEventListener("click", () => openTemplate(index, true));
    const trial = make("button", "", row);
    trial.textContent = t("console.open_trial");
    trial.addEventListener("click", () => openTemplate(index, false));
  });
  const coming = byId("upcoming");
  coming.replaceChildren();
  for (const item of state.upcoming.slice(0, 5)) {
    make("li", "", coming).textContent = `${timeText(item.start, state.zone, "day")} · ${pick(item.title)}`;
  }
}

/** @param {number} index @param {boolean} start */
async function openTemplate(index, start) {
  const template = templates[index];
  if (!template) return;
  try {
    const opened = await post("/conferences", { template: template.id, start });
    watch(opened.conference);
  } catch (error) {
    alarm(error instanceof Refused ? problemText(error.problem) : t("page.no_answer"));
  }
}

/** Look at another conference. @param {string} id */
function watch(id) {
  lobbyOpen = false;
  if (state.conference?.id !== id) connection.send({ type: "watch", conference: id, last_seq: 0 });
  render();
}

/** Conferences that run, to choose from; the last entry opens another one. */
function renderRunning() {
  const list = /** @type {HTMLSelectElement} */ (byId("running"));
  list.hidden = state.conferences.length === 0;
  const key = JSON.stringify([state.conferences.map((c) => [c.id, c.present]), document.documentElement.lang]);
  if (list.dataset.key !== key) {
    list.dataset.key = key;
    list.replaceChildren();
    for (const item of state.conferences) {
      list.add(new Option(`${pick(item.title)} (${item.present}/${item.points})`, item.id));
    }
    if (state.mayDirect) list.add(new Option(t("console.another"), ""));
    list.setAttribute("aria-label", t("console.running"));
  }
  list.value = lobbyOpen ? "" : (state.conference?.id ?? "");
}

/** @param {string} text */
function alarm(text) {
  byId("alarm").textContent = text;
  byId("alarm").hidden = !text;
}

// --- showing -------------------------------------------------------------------------------

/** @param {boolean} [all]  texts that change seldom too */
function render(all = false) {
  const { conference } = state;
  if (all) {
    logKey = "";
    buildBar();
    buildHelp();
    byId("filter").setAttribute("placeholder", t("console.filter"));
    byId("filter").setAttribute("aria-label", t("console.filter"));
    byId("tiles").setAttribute("aria-label", t("console.points"));
    byId("bar").setAttribute("aria-label", t("console.actions"));
  }
  if (state.bridge) setText(byId("bridge"), pick(state.bridge));
  setText(byId("title"), conference ? pick(conference.title) : "");
  document.title = conference ? pick(conference.title) : "Điểm Cầu";
  setText(byId("phase"), conference ? t(`phase.${conference.phase}`) : "");
  byId("recording").hidden = conference?.recording !== "forbidden";
  setText(byId("recording"), t("report.recording_forbidden"));
  const lobby = conference === null || lobbyOpen;
  byId("lobby").hidden = !lobby;
  byId("desk").hidden = lobby;
  byId("side").hidden = lobby;
  renderStatus();
  renderRunning();
  if (!conference || lobby) {
    renderLobby();
    return;
  }
  setText(byId("director"), conference.director ? t("console.directs", { user: conference.director }) : t("console.nobody_directs"));
  byId("direct").hidden = !state.mayDirect || conference.director === state.user;
  setText(byId("direct"), t("console.take_over"));
  const shown = pointOf(state, shownIn(state, "programme"));
  setText(byId("programme-name"), shown ? pick(shown.name) : t("room.no_picture_yet"));
  const ahead = pointOf(state, conference.preview);
  setText(byId("preview-name"), ahead ? pick(ahead.name) : "");
  preview.style.visibility = conference.preview ? "visible" : "hidden";
  byId("content-box").hidden = conference.content === null;
  tiles.render(state, selected);
  renderBar();
  renderQueue();
  renderProblems();
  renderLog();
  tick();
}

function renderStatus() {
  const status = byId("status");
  /** @type {[string, string]} */
  let [level, text] = ["good", t("room.status.in_session")];
  if (farewell) [level, text] = ["bad", farewell];
  else if (link !== "up") [level, text] = ["bad", t("room.status.reconnecting")];
  else if (!state.worker) [level, text] = ["bad", t("console.no_worker")];
  else if (mediaLink !== "up") [level, text] = ["warn", t("room.status.media")];
  setText(status, text);
  status.dataset.level = level;
  if (state.unsaved) alarm(pick(state.unsaved));
  else if (state.conference?.end_near) alarm(t("console.end_near"));
  else alarm("");
}

/** @type {[string, string][]} action, key shown */
const BAR = [
  ["start", "S"], ["take", "Enter"], ["return", "R"], ["floor", "F"], ["floor_selected", "G"],
  ["next", "N"], ["mute", "M"], ["mute_all", "⇧M"], ["lock_microphone", "K"], ["camera", "C"],
  ["layout", "L"], ["share", "X"], ["roll_call", "T"], ["drop", "D"], ["lock", "⇧L"],
  ["extend", "⇧E"], ["banner", "B"], ["end", "E"], ["help", "?"],
];

function buildBar() {
  const bar = byId("bar");
  bar.replaceChildren();
  for (const [action, key] of BAR) {
    const button = make("button", action === "end" ? "danger" : "", bar);
    button.dataset.action = action;
    make("span", "", button).textContent = t(`action.${action}`);
    button.append(" ");
    make("kbd", "", button).textContent = key;
    button.addEventListener("click", () => act(action));
  }
}

function renderBar() {
  const { conference } = state;
  if (!conference) return;
  const seat = selected ? conference.seats[selected] : undefined;
  /** @type {Record<string, boolean>} */
  const pressed = {
    lock: conference.closed,
    share: media.screen !== null,
    roll_call: conference.roll_call !== null,
    camera: seat?.camera_off ?? false,
    lock_microphone: seat?.locked ?? false,
  };
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (byId("bar").querySelectorAll("button"))) {
    const action = button.dataset.action ?? "";
    button.disabled = !state.mayDirect && action !== "help";
    button.hidden = action === "start" && conference.phase !== "open";
    if (action in pressed) button.setAttribute("aria-pressed", String(pressed[action]));
    const label = /** @type {Element} */ (button.firstElementChild);
    if (action === "layout") setText(label, `${t("action.layout")}: ${t(`layout.${conference.layout}`)}`);
    if (action === "mute") setText(label, t(seat?.microphone ? "action.mute" : "action.unmute"));
    if (action === "drop") setText(label, t(seat?.dropped ? "action.recall" : "action.drop"));
  }
}

function renderQueue() {
  const conference = /** @type {import("../common/state.js").Conference} */ (state.conference);
  const list = byId("queue");
  const key = JSON.stringify(conference.queue) + document.documentElement.lang;
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren();
  conference.queue.forEach((request, index) => {
    const row = make("li", "", list);
    row.dataset.request = request.point;
    make("span", "number", row).textContent = `${request.number}.`;
    make("span", "grow", row).textContent = pick(pointOf(state, request.point)?.name);
    make("time", "sub", row).dataset.since = String(request.at);
    const give = /** @type {HTMLButtonElement} */ (make("button", "primary", row));
    give.textContent = index === 0 ? `${t("action.floor")} (F)` : t("action.floor");
    give.disabled = !state.mayDirect;
    give.addEventListener("click", () => command({ type: "grant", point: request.point }));
  });
}

function renderProblems() {
  const conference = /** @type {import("../common/state.js").Conference} */ (state.conference);
  const list = byId("problems");
  const rows = conference.points
    .filter((id) => conference.seats[id] && !conference.seats[id].present && !conference.seats[id].dropped)
    .map((id) => {
      const why = pick(conference.seats[id].problem) || t(`state.${state.presence[id] ?? "offline"}`);
      return `${pick(pointOf(state, id)?.name)}: ${why}`;
    });
  const key = rows.join("\n");
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren();
  for (const row of rows) make("li", "", list).textContent = row;
  if (!rows.length) make("li", "sub", list).textContent = t("console.all_present");
}

function renderLog() {
  const filter = /** @type {HTMLInputElement} */ (byId("filter")).value.trim().toLowerCase();
  const last = state.log.at(-1)?.seq ?? 0;
  const key = `${state.logOf} ${last} ${filter} ${document.documentElement.lang}`;
  if (key === logKey) return;
  logKey = key;
  const list = byId("log");
  list.replaceChildren();
  let shown = 0;
  for (const line of [...state.log].reverse()) {
    const text = lineText(line, state);
    if (filter && !text.toLowerCase().includes(filter)) continue;
    const row = make("li", "", list);
    row.dataset.seq = String(line.seq);
    row.dataset.kind = line.event.type;
    make("time", "", row).textContent = timeText(line.at, state.zone);
    row.append(text);
    shown += 1;
    if (shown >= LOG_SHOWN) break;
  }
}

/** What changes with time alone. */
function tick() {
  const at = now();
  setText(byId("clock"), timeText(at, state.zone));
  const silent = (performance.now() - heardAt) / 1000;
  document.body.classList.toggle("stale", link !== "up" || silent > STALE);
  if (link === "up" && silent > STALE) {
    setText(byId("status"), t("console.stale", { seconds: silent.toFixed(0) }));
    byId("status").dataset.level = "warn";
  }
  const { conference } = state;
  if (!conference) return;
  const holder = byId("holder");
  if (conference.floor) {
    const used = spent(conference.floor, at);
    const limit = conference.floor.limit;
    const name = pick(pointOf(state, conference.floor.point)?.name);
    const time = limit ? `${clockText(used)} / ${clockText(limit)}` : clockText(used);
    setText(holder, `${t("console.speaking", { name })} ${time}`);
    holder.classList.toggle("late", limit !== null && used > limit);
  } else {
    setText(holder, t("console.nobody_speaks"));
    holder.classList.remove("late");
  }
  for (const time of /** @type {NodeListOf<HTMLElement>} */ (byId("queue").querySelectorAll("time"))) {
    setText(time, clockText(at - Number(time.dataset.since)));
  }
  for (const [id, parts] of tiles.tiles) {
    const line = state.lines[id];
    parts.lines.classList.toggle("old", line !== undefined && at - line.at > OLD_LINE);
    if (line && at - line.at > OLD_LINE) {
      setMark(parts.lines, t("console.old", { seconds: clockText(at - line.at) }));
    }
  }
}

function buildHelp() {
  const keys = byId("keys");
  keys.replaceChildren();
  for (const [key, action] of KEYS) {
    make("dt", "", make("div", "", keys)).append(make("kbd", "", undefined));
    const row = /** @type {HTMLElement} */ (keys.lastElementChild);
    /** @type {HTMLElement} */ (row.querySelector("kbd")).textContent = key;
    make("dd", "", row).textContent = t(`action.${action}`);
  }
  const usage = byId("usage");
  usage.replaceChildren();
  const words = byId("words");
  words.replaceChildren();
  for (const [word, text] of state.usage) {
    make("li", "", usage).textContent = text;
    /** @type {HTMLOptionElement} */ (make("option", "", words)).value = word;
  }
}

// --- keys ----------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.matches("input, textarea, select") || document.querySelector("dialog[open]");
  if (event.ctrlKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    act("typed");
    return;
  }
  if (event.key === "Escape" && target.id === "line") target.blur();
  if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!state.conference || lobbyOpen) {
    if (event.key === "ArrowDown") chosen = Math.min(chosen + 1, templates.length - 1);
    else if (event.key === "ArrowUp") chosen = Math.max(chosen - 1, 0);
    else if (event.key.toLowerCase() === "s") act("start");
    else return;
    event.preventDefault();
    renderLobby();
    return;
  }
  // Enter on a focused button presses that button, on a tile it takes.
  if (event.key === "Enter" && target.matches("button:not(.tile), a")) return;
  const action = actionOf(event);
  if (!action) return;
  event.preventDefault();
  if (action.point !== undefined) {
    const point = state.points[action.point];
    if (point) act("preview", point.id);
  } else act(action.name);
});

byId("typed").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId("line"));
  const text = input.value;
  if (text.trim() === "?") {
    input.value = "";
    act("help");
    return;
  }
  if (text.trim().toLowerCase() === "end") {
    input.value = "";
    input.blur();
    act("end"); // ending asks, however it is said
    return;
  }
  const conference = state.conference?.id ?? "";
  const again = async () => finish(await connection.ask({ type: "typed", conference, text }), async () => false);
  const result = await connection.ask({ type: "typed", conference, text });
  if (await finish(result, again)) input.value = "";
});
byId("running").addEventListener("change", () => {
  const { value } = /** @type {HTMLSelectElement} */ (byId("running"));
  byId("running").blur(); // the keys are the console's again
  if (value) watch(value);
  else {
    lobbyOpen = true;
    render();
  }
});
byId("filter").addEventListener("input", () => renderLog());
byId("direct").addEventListener("click", () => act("direct"));
byId("help-close").addEventListener("click", () => /** @type {HTMLDialogElement} */ (byId("help")).close());

/** The verdict of the last readiness sweep, on the way to its board. */
async function lookAtReadiness() {
  const board = await get("/readiness").catch(() => null);
  const link = byId("readiness");
  if (board?.running) setText(link, t("ready.running", { progress: String(Math.round(board.progress * 100)) }));
  else if (board?.at) {
    const ready = board.points.filter((/** @type {any} */ point) => point.level === "pass").length;
    setText(link, t("ready.summary", { ready: String(ready), all: String(board.points.length) }));
    link.dataset.level = board.level;
    link.title = t(`ready.verdict_${board.level}`);
  }
}
setInterval(lookAtReadiness, READINESS_EVERY);
lookAtReadiness();

setInterval(tick, 500);
fillTexts();
state = { ...state, user: me.user, role: me.role };
render(true);
connection.start();
loadLobby();
