// The stage of the room: the programme, one's own picture, a shared screen, the other points, and
// what is written over them.

/** @import { Client } from "../common/client.js" */
import { byId, makeVideo, setText } from "../common/dom.js";
import { timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { Sounds } from "../common/sounds.js";
import { pointOf, shownIn } from "../common/state.js";
import { Tiles } from "../common/tiles.js";
import { layoutOf, turnOf, waitingText } from "./texts.js";

/** What the people in the room see and hear. */
export class Stage {
  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    this.programme = makeVideo(byId("stage"), " ");
    byId("stage").prepend(this.programme);
    this.own = makeVideo(byId("stage"), " ");
    this.own.className = "own";
    this.own.hidden = true;
    this.content = makeVideo(byId("content-stage"), " ");
    this.tiles = new Tiles(byId("tiles"), null, (page) => client.turn(page));
    this.sounds = new Sounds();
  }

  /** Show or sound what a slot receives. @param {string} slot @param {MediaStreamTrack} track */
  attach(slot, track) {
    if (slot === "programme") this.programme.srcObject = new MediaStream([track]);
    else if (slot === "content") this.content.srcObject = new MediaStream([track]);
    else if (slot.startsWith("audio:")) this.sounds.attach(slot, track);
    else this.tiles.attach(slot, track);
  }

  render() {
    const { state } = this.client;
    const { conference } = state;
    setText(byId("title"), conference ? pick(conference.title) : "");
    byId("recording").hidden = conference?.recording !== "forbidden";
    setText(byId("recording"), t("report.recording_forbidden"));
    const name = pick(pointOf(state, shownIn(state, "programme"))?.name);
    setText(byId("programme-name"), conference ? name || t("room.no_picture_yet") : "");
    this.programme.setAttribute("aria-label", t("room.programme_of", { name }));
    this.own.setAttribute("aria-label", t("room.own_picture"));
    this.content.setAttribute("aria-label", t("console.content"));
    const onAir = conference !== null && conference.on_air === state.self;
    byId("stage").classList.toggle("mine", onAir);
    byId("lamp").hidden = !onAir;
    setText(byId("lamp"), t("room.on_air"));
    byId("banner").hidden = !conference?.banner;
    setText(byId("banner"), conference?.banner ?? "");
    const layout = layoutOf(conference);
    byId("room").dataset.layout = layout;
    byId("content-stage").hidden = layout !== "content";
    this.tiles.order(conference?.panes ?? []);
    this.tiles.render(state, this.client.now);
    this.tick();
  }

  /** What changes with time alone. */
  tick() {
    const { state, now, link } = this.client;
    setText(byId("clock"), timeText(now, state.zone));
    setText(byId("waiting"), link === "up" ? waitingText(state, now) : "");
    const floor = state.conference?.floor ?? null;
    const turn = floor?.point === state.self ? turnOf(floor, now) : { text: "", late: false };
    byId("turn").classList.toggle("late", turn.late);
    setText(byId("turn"), turn.text);
  }
}
