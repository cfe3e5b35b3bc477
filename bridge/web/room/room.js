// The room page: a point joins with camera and microphone, sees the programme and everybody.

import { pick, problemText, t } from "../common/i18n.js";
import { Media } from "../common/media.js";
import { byId, startLanguage, startSound } from "../common/page.js";
import { Connection, Refused } from "../common/protocol.js";
import { initial, pointOf, reduce, shownIn } from "../common/state.js";
import { Sounds, Tiles, makeVideo } from "../common/tiles.js";

const DEVICE_RETRY = 5000; // ms between tries to open a camera that is missing

let state = initial;
/** @type {"connecting" | "up" | "down" | "wrong_key" | "ended"} */
let link = "connecting";
/** @type {"connecting" | "up" | "down"} */
let mediaLink = "connecting";
let deviceError = "";
let refusal = "";
let farewell = "";

const stage = byId("stage");
const programme = makeVideo(stage, "");
const own = makeVideo(stage, "");
stage.prepend(programme);
own.className = "own";
own.hidden = true;
const tiles = new Tiles(byId("tiles"), null);
const sounds = new Sounds();
startSound(sounds);

/** Identity comes with the address (#point=…&key=…), from before, or from the form. */
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
  const connection = new Connection(who, {
    message: (message) => received(message),
    status: (status) => {
      link = status;
      if (status === "ended") media.stop();
      render();
    },
  });
  const media = new Media(connection, {
    track: (slot, track) => attach(slot, track),
    status: (status, error) => {
      mediaLink = status;
      // 503 is a worker that is starting: that passes by itself and is said as such.
      refusal = error instanceof Refused && error.status !== 503 ? problemText(error.problem) : "";
      if (error instanceof Refused && error.status === 401) connection.session = "";
      render();
    },
  });
  Object.assign(globalThis, { room: { connection, media, state: () => state } });

  /** @param {any} message */
  function received(message) {
    state = reduce(state, message);
    if (message.type === "welcome") {
      tiles.build(state);
      // A connection that still carries media is kept: only signalling was lost.
      if (!(message.media && media.up)) {
        media.start({ slots: state.slots, layers: state.layers, sends: true });
      }
    } else if (message.type === "media") {
      media.start({ slots: state.slots, layers: state.layers, sends: true });
    } else if (message.type === "ended") {
      farewell = pick(message.sentence);
    } else if (message.type === "levels") {
      tiles.renderLevels(state);
      return;
    }
    render();
  }

  openDevices(media).then(() => connection.start());
  navigator.mediaDevices?.addEventListener("devicechange", () => {
    if (deviceError) openDevices(media);
  });
}

/** Open camera and microphone; a room without them still watches. @param {Media} media */
async function openDevices(media) {
  if (!navigator.mediaDevices) {
    deviceError = "room.error.insecure";
    render();
    return;
  }
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio });
    await media.replace(stream);
    own.srcObject = stream;
    own.hidden = false;
    deviceError = "";
    for (const track of stream.getTracks()) {
      track.onended = () => {
        deviceError = "room.error.no_camera";
        openDevices(media);
      };
    }
  } catch {
    deviceError = "room.error.no_camera_continue";
    own.hidden = true;
    setTimeout(() => openDevices(media), DEVICE_RETRY);
  }
  render();
}

/** @param {string} slot @param {MediaStreamTrack} track */
function attach(slot, track) {
  if (slot === "programme") programme.srcObject = new MediaStream([track]);
  else if (slot.startsWith("thumb:")) {
    const video = tiles.video(slot.slice(6));
    if (video) video.srcObject = new MediaStream([track]);
  } else if (slot.startsWith("audio:")) sounds.attach(slot, track);
}

/** What is wrong, in plain words, the worst first. */
function statusLine() {
  if (farewell) return ["bad", farewell];
  if (link === "wrong_key") return ["bad", t("room.error.wrong_key")];
  if (link === "down") return ["bad", t("room.error.network")];
  if (refusal) return ["bad", t("room.error.refused", { detail: refusal })];
  if (link === "connecting") return ["warn", t("room.status.connecting")];
  if (mediaLink !== "up") return ["warn", t("room.status.media")];
  if (deviceError) return ["warn", t(deviceError)];
  return ["good", t("room.status.in_session")];
}

function render() {
  const self = pointOf(state, state.self);
  byId("self").textContent = self ? pick(self.name) : "";
  byId("title").textContent = pick(state.title);
  document.title = self ? pick(self.name) : "Điểm Cầu";
  const [level, text] = statusLine();
  const status = byId("status");
  status.textContent = text;
  status.dataset.level = level;
  const shown = pointOf(state, shownIn(state, "programme"));
  byId("programme-name").textContent = shown ? pick(shown.name) : t("room.no_picture_yet");
  programme.setAttribute("aria-label", t("room.programme_of", { name: shown ? pick(shown.name) : "" }));
  own.setAttribute("aria-label", t("room.own_picture"));
  const mine = state.self !== null && state.onAir === state.self;
  stage.classList.toggle("mine", mine);
  byId("lamp").hidden = !mine;
  byId("lamp").textContent = t("room.on_air");
  byId("lamp").title = t("room.you_are_on_air");
  tiles.render(state);
}

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
  enter({ point: String(form.get("point")).trim(), key: String(form.get("key")).trim() });
});

await startLanguage(render);
const who = identity();
if (who) enter(who);
else byId("join").hidden = false;
