// The room page, a kiosk: a point joins by itself, sees the programme, is heard when invited.

import { post } from "../common/api.js";
import { pick, problemText, t } from "../common/i18n.js";
import { Media } from "../common/media.js";
import { byId, startLanguage, startSound, timeText } from "../common/page.js";
import { Connection, Refused } from "../common/protocol.js";
import { clockText, initial, pointOf, reduce, shownIn, spent } from "../common/state.js";
import { watchPlayback } from "./playback.js";
import { Sounds, Tiles, makeVideo, setText } from "../common/tiles.js";

const DEVICE_RETRY = 5000; // ms between tries to open a camera that is missing
const MESSAGE_TIME = 5000; // ms that a refusal stays on the screen
const ASK_KEYS = ["f", " ", "Enter", "F9"]; // a USB button sends one of these

let state = initial;
let link = "connecting";
let mediaLink = "connecting";
let deviceError = "";
let refusal = "";
let farewell = "";
let problem = "";
let offset = 0;
let told = "";

const stage = byId("stage");
const programme = makeVideo(stage, " ");
const own = makeVideo(stage, " ");
stage.prepend(programme);
own.className = "own";
own.hidden = true;
const content = makeVideo(byId("content-stage"), " ");
const tiles = new Tiles(byId("tiles"), null);
const sounds = new Sounds();
startSound(sounds);
/** @type {Connection} */
let connection;
/** @type {Media} */
let media;

const now = () => Date.now() / 1000 + offset;

/** Identity comes with the address (#point=…&key=…), from before, or from a one-time code. */
function identity() {
  const given = new URLSearchParams(location.hash.slice(1));
  const point = given.get("point") ?? localStorage.getItem("point");
  const key = given.get("key") ?? localStorage.getItem("key");
  if (given.has("key")) history.replaceState(null, "", location.pathname);
  return point && key ? { point, key } : null;
}

/** @param {{point: string, key: string}} who */
function enter(who) {
  localStorage.setItem("point", who.point);
  localStorage.setItem("key", who.key);
  byId("join").hidden = true;
  byId("room").hidden = false;
  connection = new Connection(who, {
    message: received,
    status: (status, answer) => {
      link = status;
      problem = answer ? problemText(answer) : "";
      if (status === "ended") media.stop();
      render();
    },
  });
  media = new Media(connection, {
    track: attach,
    status: (status, error) => {
      mediaLink = status;
      // 503 is a worker that is starting: that passes by itself and is said as such.
      refusal = error instanceof Refused && error.status !== 503 ? problemText(error.problem) : "";
      if (error instanceof Refused && error.status === 401) connection.session = "";
      render();
    },
  });
  watchPlayback(media, (message) => connection.send(message));
  Object.assign(globalThis, { room: { connection, media, state: () => state } });
  openDevices().then(() => connection.start());
  navigator.mediaDevices?.addEventListener("devicechange", () => {
    if (deviceError) openDevices();
  });
}

/** @param {any} message */
function received(message) {
  state = reduce(state, message);
  if (message.now) offset = message.now - Date.now() / 1000;
  if (message.type === "welcome") {
    tiles.build(state);
    told = "";
    // A connection that still carries media is kept: only signalling was lost.
    if (!(message.media && media.up)) startMedia();
  } else if (message.type === "media") {
    startMedia();
  } else if (message.type === "ended") {
    farewell = pick(message.sentence);
    if (message.reason === "revoked") forget();
  } else if (message.type === "levels") {
    tiles.renderLevels(state);
    return;
  } else if (message.type === "state") {
    obey();
  }
  render();
}

function forget() {
  localStorage.removeItem("key");
  localStorage.removeItem("point");
}

function startMedia() {
  media.start({ slots: state.slots, layers: state.layers, sends: "room" });
}

/** Send camera and microphone only inside a conference; what is heard the bridge enforces. */
function obey() {
  const seat = mySeat();
  const inside = seat !== null && seat.called;
  media.send(inside, !(seat?.self_muted ?? false));
  if (media.screen && state.conference?.content !== `point:${state.self}`) media.share(null);
  tell();
}

/** Tell the bridge what this page really does. */
function tell() {
  const seat = mySeat();
  const live = (/** @type {MediaStreamTrack} */ track) => track.readyState === "live";
  const status = {
    type: "status",
    camera: media.local?.getVideoTracks().some(live) ?? false,
    microphone: media.local?.getAudioTracks().some(live) ?? false,
    sending: media.sending,
    sharing: media.screen !== null,
    layout: seat ? (state.conference?.layout ?? "") : "",
  };
  const text = JSON.stringify(status);
  if (text === told) return;
  told = text;
  connection.send(status);
}

/** @returns {import("../common/state.js").Seat | null} */
const mySeat = () => state.conference?.seats[state.self ?? ""] ?? null;

// --- devices -------------------------------------------------------------------------------

/** Open camera and microphone; a room without them still watches. */
async function openDevices() {
  if (!navigator.mediaDevices) {
    deviceError = "room.error.insecure";
    render();
    return;
  }
  const camera = localStorage.getItem("camera");
  const voice = localStorage.getItem("voice");
  const video = {
    width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 },
    ...(camera ? { deviceId: { ideal: camera } } : {}),
  };
  const audio = {
    echoCancellation: true, noiseSuppression: true, autoGainControl: true,
    ...(voice ? { deviceId: { ideal: voice } } : {}),
  };
  try {
    const before = media.local;
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio });
    await media.replace(stream);
    for (const track of before?.getTracks() ?? []) track.stop();
    own.srcObject = stream;
    own.hidden = false;
    deviceError = "";
    for (const track of stream.getTracks()) {
      track.onended = () => {
        deviceError = "room.error.no_camera";
        openDevices();
      };
    }
    tell();
  } catch {
    deviceError = "room.error.no_camera_continue";
    own.hidden = true;
    setTimeout(openDevices, DEVICE_RETRY);
  }
  render();
}

byId("devices").addEventListener("click", async () => {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [id, kind] of [["camera", "videoinput"], ["voice", "audioinput"]]) {
    const list = /** @type {HTMLSelectElement} */ (byId(id));
    list.replaceChildren();
    for (const device of devices.filter((d) => d.kind === kind)) {
      list.add(new Option(device.label || device.deviceId, device.deviceId));
    }
    list.value = localStorage.getItem(id) ?? list.value;
    list.onchange = () => {
      localStorage.setItem(id, list.value); // remembered for the next start
      openDevices();
    };
  }
  /** @type {HTMLDialogElement} */ (byId("choose")).showModal();
});
byId("choose-close").addEventListener("click", () => /** @type {HTMLDialogElement} */ (byId("choose")).close());

/** @param {string} slot @param {MediaStreamTrack} track */
function attach(slot, track) {
  const stream = new MediaStream([track]);
  if (slot === "programme") programme.srcObject = stream;
  else if (slot === "content") content.srcObject = stream;
  else if (slot.startsWith("thumb:")) {
    const video = tiles.video(slot.slice(6));
    if (video) video.srcObject = stream;
  } else if (slot.startsWith("audio:")) sounds.attach(slot, track);
}

// --- asking --------------------------------------------------------------------------------

/** @param {any} command */
async function command(command) {
  const id = state.conference?.id;
  if (!id || !state.self) return false;
  const result = await connection.command(id, { ...command, point: state.self });
  if (!result.ok) {
    refusal = result.error ? pick(result.error) : t("page.no_answer");
    render();
    setTimeout(() => {
      refusal = "";
      render();
    }, MESSAGE_TIME);
  }
  return result.ok;
}

const waiting = () => state.conference?.queue.some((r) => r.point === state.self) ?? false;

function ask() {
  if (!state.conference || !mySeat()?.present) return;
  command({ type: waiting() ? "withdraw_floor" : "request_floor" });
}

function mute() {
  const seat = mySeat();
  if (seat) command({ type: "self_mute", muted: seat.microphone });
}

async function share() {
  if (media.screen) {
    await command({ type: "stop_share" });
    await media.share(null);
  } else {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } } });
      const [track] = stream.getVideoTracks();
      await media.share(track);
      track.onended = () => {
        media.share(null);
        command({ type: "stop_share" });
      };
      if (!(await command({ type: "share" }))) await media.share(null);
    } catch {
      // the person closed the question
    }
  }
  tell();
}

byId("ask").addEventListener("click", ask);
byId("mute").addEventListener("click", mute);
byId("accept").addEventListener("click", () => command({ type: "accept" }));
byId("share").addEventListener("click", share);
document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.repeat || target.matches("input, select, button") || document.querySelector("dialog[open]")) return;
  if (ASK_KEYS.includes(event.key)) ask();
  else if (event.key.toLowerCase() === "m") mute();
  else return;
  event.preventDefault();
});

// --- showing -------------------------------------------------------------------------------

/** What is wrong, in plain words, the worst first. @returns {[string, string]} */
function statusLine() {
  if (farewell) return ["bad", farewell];
  if (link === "wrong_key") return ["bad", problem || t("room.error.wrong_key")];
  if (link === "busy") return ["bad", problem];
  if (link === "down") return ["bad", t("room.error.network")];
  if (refusal) return ["bad", t("room.error.refused", { detail: refusal })];
  if (link === "connecting") return ["warn", t("room.status.connecting")];
  if (mediaLink !== "up") return ["warn", t("room.status.media")];
  if (deviceError) return ["warn", t(deviceError)];
  return ["good", t("room.status.in_session")];
}

function render() {
  const self = pointOf(state, state.self);
  const { conference } = state;
  const seat = mySeat();
  setText(byId("self"), self ? pick(self.name) : "Điểm Cầu");
  setText(byId("title"), conference ? pick(conference.title) : "");
  document.title = self ? pick(self.name) : "Điểm Cầu";
  const [level, text] = statusLine();
  const status = byId("status");
  setText(status, text);
  status.dataset.level = level;
  byId("recording").hidden = conference?.recording !== "forbidden";
  setText(byId("recording"), t("report.recording_forbidden"));
  const shown = pointOf(state, shownIn(state, "programme"));
  const name = shown ? pick(shown.name) : "";
  setText(byId("programme-name"), conference ? name || t("room.no_picture_yet") : "");
  programme.setAttribute("aria-label", t("room.programme_of", { name }));
  own.setAttribute("aria-label", t("room.own_picture"));
  content.setAttribute("aria-label", t("console.content"));
  const mine = conference !== null && conference.on_air === state.self;
  stage.classList.toggle("mine", mine);
  byId("lamp").hidden = !mine;
  setText(byId("lamp"), t("room.on_air"));
  const banner = byId("banner");
  banner.hidden = !conference?.banner;
  setText(banner, conference?.banner ?? "");
  const layout = conference?.layout ?? "speaker";
  const sharing = conference?.content !== null && conference?.content !== undefined;
  // Without a shared screen there is nothing to put beside the speaker.
  byId("room").dataset.layout = layout === "content" && !sharing ? "speaker" : layout;
  byId("content-stage").hidden = byId("room").dataset.layout !== "content";
  order(conference?.panes ?? []);
  renderBar(seat);
  tiles.render(state);
  tick();
}

/** Panes in the order that the direction has set. @param {string[]} panes */
function order(panes) {
  panes.forEach((id, index) => {
    const parts = tiles.tiles.get(id);
    if (parts) parts.tile.style.order = String(index);
  });
}

/** @param {import("../common/state.js").Seat | null} seat */
function renderBar(seat) {
  const inside = seat?.present ?? false;
  const microphone = byId("microphone");
  microphone.hidden = !inside;
  const open = seat?.microphone ?? false;
  microphone.classList.toggle("open", open);
  setText(microphone, t(open ? "room.microphone_open" : seat?.locked ? "room.microphone_locked" : "room.microphone_closed"));
  const asked = waiting();
  const speaking = state.conference?.floor?.point === state.self;
  const place = state.conference?.queue.findIndex((r) => r.point === state.self) ?? -1;
  const button = byId("ask");
  button.hidden = !inside || speaking || (pointOf(state, state.self)?.observer ?? false);
  setText(button, asked ? t("room.withdraw", { place: String(place + 1) }) : t("room.ask"));
  byId("mute").hidden = !inside || !(seat?.open || state.conference?.free_floor);
  setText(byId("mute"), t(open ? "room.mute" : "room.unmute"));
  byId("accept").hidden = !(seat && seat.connect === "invitation" && !seat.called && !seat.dropped);
  byId("share").hidden = !inside;
  setText(byId("share"), t(media?.screen ? "room.stop_share" : "room.share"));
}

/** What the stage says while there is no conference to show. */
function waitingText() {
  const seat = mySeat();
  if (!state.conference) {
    const next = state.upcoming[0];
    if (!next) return t("room.wait");
    const left = next.start - now();
    return t("room.wait_next", {
      title: pick(next.title),
      at: timeText(next.start, state.zone, "day"),
      left: clockText(left),
    });
  }
  if (seat?.dropped) return t("room.dropped");
  if (seat && !seat.called) return t("room.invited", { title: pick(state.conference.title) });
  if (state.conference.phase === "open" && state.conference.start !== null && !shownIn(state, "programme")) {
    return t("room.trial", { left: clockText(state.conference.start - now()) });
  }
  return "";
}

function tick() {
  setText(byId("clock"), timeText(now(), state.zone));
  setText(byId("waiting"), link === "up" ? waitingText() : "");
  const floor = state.conference?.floor;
  const turn = byId("turn");
  if (floor && floor.point === state.self) {
    const used = spent(floor, now());
    const left = floor.limit === null ? null : floor.limit - used;
    turn.classList.toggle("late", left !== null && left <= 30);
    setText(turn, left === null ? clockText(used) : left > 0 ? t("room.left", { left: clockText(left) }) : t("room.over"));
  } else setText(turn, "");
}

byId("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
  const error = byId("join-error");
  error.textContent = "";
  try {
    enter(await post("/enrol", { code: String(form.get("code")), name: navigator.userAgent.slice(0, 80) }));
  } catch (reason) {
    error.textContent = reason instanceof Refused ? problemText(reason.problem) : t("page.no_answer");
  }
});

await startLanguage(render);
setInterval(tick, 500);
/** A kiosk is started with a one-time code (#code=…), which its agent asked for. */
async function enrolByCode() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  history.replaceState(null, "", location.pathname);
  enter(await post("/enrol", { code, name: navigator.userAgent.slice(0, 80) }));
}

const who = identity();
if (who) enter(who);
else if (location.hash.includes("code=")) {
  enrolByCode().catch((reason) => {
    byId("join").hidden = false;
    byId("join-error").textContent = reason instanceof Refused ? problemText(reason.problem) : t("page.no_answer");
  });
}
else byId("join").hidden = false;
