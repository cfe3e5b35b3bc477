// The stage of the room: the programme, one's own picture, a shared screen, the other points, and
// what is written over them.

/** @import { Client } from "../common/client.js" */
import { itemClock, runningItem } from "../common/agenda.js";
import { byId, make, makeVideo, setMark, setText } from "../common/dom.js";
import { timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { streamOf } from "../common/pictures.js";
import { Programme } from "../common/programme.js";
import { Sizes } from "../common/sizes.js";
import { Sounds } from "../common/sounds.js";
import { recordingText } from "../common/recording.js";
import { pointOf } from "../common/state.js";
import { pausedSlotText } from "../common/tile.js";
import { Tiles } from "../common/tiles.js";
import { Papers } from "./papers.js";
import { lampOf, layoutOf, talkText, turnOf, waitingText } from "./texts.js";

/** What the people in the room see and hear. */
export class Stage {
  /**
   * @param {Client} client
   * @param {() => boolean} filmed  whether this room's camera gives a picture
   * @param {() => void} changed  another page of a paper is to be shown
   */
  constructor(client, filmed, changed) {
    this.client = client;
    this.filmed = filmed;
    this.tiles = new Tiles(byId("tiles"), (page) => client.turn(page));
    this.programme = new Programme(byId("stage"), "programme", (point) => this.tiles.pictureOf(point));
    this.own = makeVideo(byId("stage"), " ");
    this.own.className = "own";
    this.own.hidden = true;
    this.content = makeVideo(byId("content-stage"), " ");
    this.sounds = new Sounds();
    this.papers = new Papers(client, changed);
    this.paused = make("div", "paused-text", byId("stage"));
    this.sizes = new Sizes(() => this.pictures(), (message) => client.connection.send(message));
  }

  /** Show or sound what a slot receives. @param {string} slot @param {MediaStreamTrack} track @param {boolean} over */
  attach(slot, track, over) {
    if (slot === "programme") this.programme.attach(track, over);
    else if (slot === "content") this.content.srcObject = streamOf(track, over ? this.content.srcObject : null);
    else if (slot.startsWith("audio:")) this.sounds.attach(slot, track, over);
    else this.tiles.attach(slot, track, over);
  }

  /** One's own picture. @param {MediaStreamTrack | null} camera */
  reflect(camera) {
    const [shown] = this.own.srcObject instanceof MediaStream ? this.own.srcObject.getTracks() : [null];
    if (shown !== camera) this.own.srcObject = camera && new MediaStream([camera]);
    this.own.hidden = camera === null;
  }

  /** Which element shows which slot. @returns {[string, Element | null | undefined][]} */
  pictures() {
    const { state } = this.client;
    if (!state.conference) return [];
    return [["programme", byId("stage")], ["content", this.content], ...this.tiles.pictures(state)];
  }

  render() {
    const { state } = this.client;
    const paused = pausedSlotText(state.shown.programme);
    setMark(this.paused, paused);
    byId("stage").classList.toggle("paused", paused !== "");
    this.sizes.look();
    const { conference } = state;
    setText(byId("title"), conference ? pick(conference.title) : "");
    const recording = recordingText(conference, false);
    byId("recording").hidden = !recording;
    setText(byId("recording"), recording);
    this.papers.render();
    const paper = this.papers.shown;
    const layout = paper ? "content" : layoutOf(conference);
    byId("room").dataset.layout = layout;
    byId("content-stage").hidden = layout !== "content" || paper;
    this.tiles.order(conference?.panes ?? []);
    this.tiles.render(state, this.client.now);
    this.programme.render(state);
    const name = pick(pointOf(state, this.programme.wanted)?.name);
    setText(byId("programme-name"), conference ? name || t("room.no_picture_yet") : "");
    this.programme.video.setAttribute("aria-label", t("room.programme_of", { name }));
    this.own.setAttribute("aria-label", t("room.own_picture"));
    this.content.setAttribute("aria-label", t("console.content"));
    const lamp = lampOf(state, this.filmed());
    byId("stage").classList.toggle("mine", lamp !== "");
    byId("lamp").hidden = lamp === "";
    setText(byId("lamp"), lamp);
    const talk = talkText(state, "");
    byId("talk").hidden = talk === null;
    setText(byId("talk"), talk?.title ?? "");
    byId("banner").hidden = !conference?.banner;
    setText(byId("banner"), conference?.banner ?? "");
    this.tick();
  }

  /** Sound levels have changed. */
  renderLevels() {
    this.tiles.renderLevels(this.client.state);
    this.programme.renderLevel(this.client.state);
  }

  /** The item of the agenda that is dealt with, and its clock. */
  tickItem() {
    const { state, now } = this.client;
    const item = runningItem(state.conference);
    const clock = itemClock(state.conference, now);
    byId("item").hidden = item === null;
    setText(byId("item-title"), item?.title ?? "");
    setText(byId("item-clock"), clock?.text ?? "");
    byId("item-clock").classList.toggle("late", clock?.over ?? false);
  }

  /** What changes with time alone. */
  tick() {
    const { state, now, link } = this.client;
    setText(byId("clock"), timeText(now, state.zone));
    this.tickItem();
    setText(byId("waiting"), link === "up" ? waitingText(state, now) : "");
    const floor = state.conference?.floor ?? null;
    const turn = floor?.point === state.self ? turnOf(floor, now) : { text: "", late: false };
    byId("turn").classList.toggle("late", turn.late);
    setText(byId("turn"), turn.text);
  }
}
