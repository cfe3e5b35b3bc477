// The demo's index page: the points live; a click brings one on air.

import { pick, t } from "../common/i18n.js";
import { Media } from "../common/media.js";
import { byId, startLanguage, startSound } from "../common/page.js";
import { Connection } from "../common/protocol.js";
import { initial, pointOf, reduce, shownIn } from "../common/state.js";
import { Sounds, Tiles, makeVideo } from "../common/tiles.js";

let state = initial;
let link = "connecting";
let mediaLink = "connecting";
let error = "";

const given = new URLSearchParams(location.hash.slice(1));
const key = given.get("key") ?? sessionStorage.getItem("viewer-key") ?? "";
sessionStorage.setItem("viewer-key", key);

const programme = makeVideo(byId("stage"), "");
byId("stage").prepend(programme);
const sounds = new Sounds();
startSound(sounds);
const tiles = new Tiles(byId("tiles"), async (point) => {
  const result = await connection.command({ type: "take", point });
  error = result.ok ? "" : pick(result.error);
  render();
});

const connection = new Connection(
  { point: null, key },
  {
    message: received,
    status: (status) => {
      link = status;
      render();
    },
  },
);
const media = new Media(connection, {
  track: (slot, track) => {
    if (slot === "programme") programme.srcObject = new MediaStream([track]);
    else if (slot.startsWith("audio:")) sounds.attach(slot, track);
    else {
      const video = tiles.video(slot.replace("thumb:", ""));
      if (video) video.srcObject = new MediaStream([track]);
    }
  },
  status: (status) => {
    mediaLink = status;
    render();
  },
});
Object.assign(globalThis, { room: { connection, media, state: () => state } });

/** @param {any} message */
function received(message) {
  state = reduce(state, message);
  if (message.type === "welcome") {
    tiles.build(state);
    if (!(message.media && media.up)) {
      media.start({ slots: state.slots, layers: [], sends: false });
    }
  } else if (message.type === "media") {
    media.start({ slots: state.slots, layers: [], sends: false });
  } else if (message.type === "levels") {
    tiles.renderLevels(state);
    return;
  }
  render();
}

function render() {
  if (state.bridge) byId("bridge").textContent = pick(state.bridge);
  const status = byId("status");
  const text =
    link === "wrong_key"
      ? t("demo.viewer_key")
      : link !== "up"
        ? t("room.status.reconnecting")
        : mediaLink !== "up"
          ? t("room.status.media")
          : error || t("room.status.in_session");
  status.textContent = text;
  status.dataset.level = link === "up" && mediaLink === "up" && !error ? "good" : "warn";
  const shown = pointOf(state, shownIn(state, "programme"));
  byId("programme-name").textContent = shown ? pick(shown.name) : t("room.no_picture_yet");
  tiles.render(state);
}


await startLanguage(render);
connection.start();
