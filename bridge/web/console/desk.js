// The desk: both monitors, the tiles and the buttons of the conference that is directed, and what
// each action does.

/** @import { Asked, Layout } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Action } from "./keys.js" */
/** @import { Lobby } from "./lobby.js" */
/** @import { Orders } from "./orders.js" */
import { confirmed } from "../common/dialog.js";
import { byId, elementOf, makeVideo, setText } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { Programme } from "../common/programme.js";
import { Screen } from "../common/screen.js";
import { Sizes } from "../common/sizes.js";
import { Sounds } from "../common/sounds.js";
import { pointOf } from "../common/state.js";
import { Tiles } from "../common/tiles.js";
import { NEEDS_POINT, commandOf, layoutAfter } from "./actions.js";
import { buildBar, renderBar } from "./bar.js";
import { POINT_KEYS } from "./keys.js";

/** What the operator sees and touches while directing. */
export class Desk {
  /** @param {Client} client @param {Orders} orders @param {Lobby} lobby */
  constructor(client, orders, lobby) {
    this.client = client;
    this.orders = orders;
    this.lobby = lobby;
    this.screen = new Screen(client, (command) => orders.command(command));
    this.sounds = new Sounds();
    /** The point that the next action is about. @type {string | null} */
    this.selected = null;
    /** Asked for and not yet confirmed. @type {Layout | null} */
    this.askedLayout = null;
    this.tiles = new Tiles(byId("tiles"), {
      select: (point) => this.select(point),
      take: (point) => orders.command({ type: "take", point }),
      keys: POINT_KEYS,
    }, (page) => client.turn(page));
    this.programme = new Programme(byId("stage"), "programme", (point) => this.tiles.pictureOf(point));
    /** Other pictures by slot. @type {Record<string, HTMLVideoElement>} */
    this.videos = {
      preview: picture("preview-stage", "console.preview_picture"),
      content: picture("content-stage", "console.content"),
    };
    this.sizes = new Sizes(() => this.pictures(), (message) => client.connection.send(message));
    byId("direct").addEventListener("click", () => orders.command({ type: "direct" }));
  }

  /** Show or sound what a slot receives. @param {string} slot @param {MediaStreamTrack} track */
  attach(slot, track) {
    if (slot === "programme") {
      this.programme.attach(track);
      return;
    }
    const video = this.videos[slot];
    if (video) video.srcObject = new MediaStream([track]);
    else if (slot.startsWith("audio:")) this.sounds.attach(slot, track);
    else this.tiles.attach(slot, track);
  }

  /** Texts that change with the language only. */
  build() {
    buildBar((action) => this.perform(action));
    byId("tiles").setAttribute("aria-label", t("console.points"));
  }

  /** Which element shows which slot. @returns {[string, Element | null | undefined][]} */
  pictures() {
    const { state } = this.client;
    if (!state.conference || this.lobby.open) return [];
    return [["programme", byId("stage")], ...Object.entries(this.videos), ...this.tiles.pictures(state)];
  }

  render() {
    const { state } = this.client;
    const { conference } = state;
    this.sizes.look();
    if (!conference) return;
    const { director } = conference;
    setText(byId("director"), director ? t("console.directs", { user: director }) : t("console.nobody_directs"));
    byId("direct").hidden = !state.mayDirect || director === state.user;
    setText(byId("direct"), t("console.take_over"));
    this.tick();
    this.programme.render(state);
    this.programme.video.setAttribute("aria-label", t("console.programme_picture"));
    const shown = pointOf(state, this.programme.wanted);
    setText(byId("programme-name"), shown ? pick(shown.name) : t("room.no_picture_yet"));
    setText(byId("preview-name"), pick(pointOf(state, conference.preview)?.name));
    this.videos.preview.style.visibility = conference.preview ? "visible" : "hidden";
    byId("content-box").hidden = conference.content === null;
    renderBar(state, this.selected, this.screen.shared);
  }

  /** Sound levels have changed. */
  renderLevels() {
    this.tiles.renderLevels(this.client.state);
    this.programme.renderLevel(this.client.state);
  }

  /** What changes with time alone: the age of each line's figures. */
  tick() {
    this.tiles.render(this.client.state, this.client.now, this.selected);
  }

  /** Another conference is on the desk. */
  clear() {
    this.selected = null;
  }

  // --- actions ----------------------------------------------------------------------------

  /** Choose a point, and put it on preview. @param {string} point */
  select(point) {
    this.selected = point;
    this.render();
    this.orders.command({ type: "preview", point });
  }

  /** Do what a key or button asks for. @param {Action} action */
  async perform(action) {
    const { state } = this.client;
    if (!this.selected && NEEDS_POINT.includes(action)) {
      this.orders.say(t("console.select_first"), false);
      return;
    }
    const command = commandOf(action, state, this.selected);
    switch (action) {
      case "start":
        if (this.lobby.open) this.lobby.openTemplate(this.lobby.chosen, true);
        else await this.orders.command({ type: "start" });
        break;
      case "layout":
        await this.nextLayout();
        break;
      case "share":
        await this.share();
        break;
      case "drop":
        if (command?.type === "recall" || (await this.sureToDrop())) await this.give(command);
        break;
      case "end":
        await this.end();
        break;
      case "banner":
        elementOf("line", HTMLInputElement).value = "banner ";
        byId("line").focus();
        break;
      case "typed":
        byId("line").focus();
        break;
      case "help":
        elementOf("help", HTMLDialogElement).showModal();
        break;
      default:
        await this.give(command);
    }
  }

  /** @param {Asked | null} command */
  async give(command) {
    if (command) await this.orders.command(command);
  }

  /** Push the next layout; two quick presses are two steps, also before the first is confirmed. */
  async nextLayout() {
    const { conference } = this.client.state;
    const layout = layoutAfter(this.askedLayout ?? conference?.layout ?? "speaker");
    this.askedLayout = layout;
    await this.orders.command({ type: "layout", layout });
    if (this.askedLayout === layout) this.askedLayout = null;
  }

  async share() {
    if (this.screen.shared) await this.screen.stop();
    else if (!(await this.screen.start())) this.orders.say(t("console.no_screen"), false);
    this.render();
  }

  async sureToDrop() {
    const name = pick(pointOf(this.client.state, this.selected)?.name);
    return confirmed(t("console.drop_sure", { name }), t("console.drop"));
  }

  async end() {
    if (!this.client.state.conference) return;
    if (!(await confirmed(t("console.end_sure"), t("console.end")))) return;
    if (await this.orders.command({ type: "end" })) this.orders.say(t("console.ended"), true);
  }
}

/** @param {string} place @param {string} key  of its name */
function picture(place, key) {
  const video = makeVideo(byId(place), t(key));
  byId(place).prepend(video);
  return video;
}
