// The desk: both monitors, the tiles and the buttons of the conference that is directed, and what
// each action does.

/** @import { Asked, Layout } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
/** @import { Action } from "./keys.js" */
/** @import { Lobby } from "./lobby.js" */
/** @import { Orders } from "./orders.js" */
import { confirmed, confirmedFirmly } from "../common/dialog.js";
import { byId } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { Pictures } from "../common/pictures.js";
import { Screen } from "../common/screen.js";
import { Sizes } from "../common/sizes.js";
import { Sounds } from "../common/sounds.js";
import { directs, pointOf } from "../common/state.js";
import { NEEDS_POINT, commandOf, layoutAfter } from "./actions.js";
import { Agenda } from "./agenda.js";
import { AudienceDialog } from "./audience.js";
import { buildBar, renderBar } from "./bar.js";
import { Films } from "./film.js";
import { openHelp } from "./help.js";
import { toDesk } from "./keyboard.js";
import { CommandLine } from "./line.js";
import { Minutes } from "./minutes.js";
import { Monitors } from "./monitors.js";
import { Papers } from "./papers.js";
import { OtherBridge } from "./other_bridge.js";
import { Panel } from "./panel.js";
import { Persons } from "./persons.js";
import { Presets } from "./presets.js";
import { Talkback } from "./talkback.js";
import { Votes } from "./votes.js";
import { Wall } from "./wall.js";

/** What the operator sees and touches while directing. */
export class Desk {
  /** @param {Client} client @param {Orders} orders @param {Lobby} lobby */
  constructor(client, orders, lobby) {
    this.client = client;
    this.orders = orders;
    this.lobby = lobby;
    this.screen = new Screen(client, (command) => orders.command(command));
    this.sounds = new Sounds();
    this.pictures = new Pictures();
    /** The point that the next action is about. @type {string | null} */
    this.selected = null;
    /** Asked for and not yet confirmed. @type {Layout | null} */
    this.askedLayout = null;
    this.wall = new Wall(byId("tiles"), this.pictures, {
      open: (point) => {
        this.panel.open(point);
        this.select(point);
      },
      take: (point) => this.give({ type: "take", point }),
      turn: (page) => client.turn(page),
    });
    this.monitors = new Monitors(this.pictures, (point) => this.wall.pictureOf(point));
    this.panel = new Panel(this.pictures, (action) => this.perform(action), () => this.render());
    this.line = new CommandLine(this, orders);
    this.audience = new AudienceDialog(client, orders);
    this.papers = new Papers(client, orders);
    this.agenda = new Agenda(client, orders);
    this.minutes = new Minutes(client, orders);
    this.persons = new Persons(client, orders);
    this.films = new Films(client, orders);
    this.votes = new Votes(client, orders, this.persons);
    this.presets = new Presets(client, orders, () => this.selected, () => this.watching());
    this.talkback = new Talkback(client, orders, () => this.selected, () => this.watching());
    this.talkback.holdBy(byId("point-talk"), () => this.panel.point);
    this.bridge = new OtherBridge(orders);
    this.sizes = new Sizes(() => this.places(), (message) => client.connection.send(message));
    byId("direct").addEventListener("click", () => orders.takeOver());
  }

  /** Show or sound what a slot receives. @param {string} slot @param {MediaStreamTrack} track @param {boolean} over */
  attach(slot, track, over) {
    if (slot.startsWith("audio:")) this.sounds.attach(slot, track, over);
    else if (slot === "programme") this.monitors.attach(track, over);
    else this.pictures.add(slot, track, over);
    this.render();
  }

  /** Texts that change with the language only. */
  build() {
    buildBar((action) => this.perform(action));
    this.panel.build();
    byId("tiles").setAttribute("aria-label", t("console.points"));
  }

  /** Which element shows which slot. @returns {[string, Element | null | undefined][]} */
  places() {
    const { state } = this.client;
    if (!state.conference || this.lobby.open) return [];
    return [
      ["programme", byId("stage")], ["preview", byId("preview-stage")], ["content", byId("content-stage")],
      ...this.wall.places(state),
    ];
  }

  render() {
    const { state } = this.client;
    this.sizes.look();
    this.talkback.look();
    if (!state.conference) return;
    this.monitors.render(state);
    this.tick();
    this.audience.render();
    this.papers.render();
    this.agenda.render();
    this.minutes.render();
    this.persons.render();
    this.votes.render();
    this.films.render();
    renderBar(state, this.selected, this.screen.shared, this.panel.point !== null);
  }

  /** What changes with time alone: the age of each line's figures. */
  tick() {
    const { state, now } = this.client;
    this.wall.render(state, now, this.selected);
    this.agenda.tick();
    this.panel.render(state, now);
    this.presets.render(this.panel.point);
    this.talkback.render(this.panel.point);
    this.bridge.render(state, this.panel.point ?? "");
  }

  /** Sound levels have changed. */
  levels() {
    const { state } = this.client;
    this.wall.renderLevels(state);
    this.monitors.renderLevels(state);
    this.panel.renderLevels(state);
  }

  /** Another conference is on the desk. */
  clear() {
    this.selected = null;
    this.panel.close();
  }

  /** Back to the desk, step by step: what is being typed, then what is open. */
  leave() {
    const typing = document.activeElement?.matches("input, textarea, select") ?? false;
    if (!typing && !document.querySelector(":popover-open")) this.panel.close();
    toDesk();
  }

  // --- actions ----------------------------------------------------------------------------

  /** Choose a point, and put it on preview where this user directs. @param {string} point */
  select(point) {
    const { state } = this.client;
    this.selected = point;
    if (this.panel.point !== null) this.panel.open(point);
    this.render();
    if (directs(state)) {
      // Who is on air already is not prepared once more: what stands on preview stays.
      if (state.conference?.on_air !== point) this.orders.command({ type: "preview", point });
    } else if (state.mayDirect) this.watching();
  }

  /** Say that somebody else directs. Direction is never taken by the way. */
  watching() {
    const user = this.client.state.conference?.director ?? "";
    this.orders.say(t("console.watching", { user }), false);
  }

  /** Do what a key or button asks for. @param {Action} action */
  async perform(action) {
    const { state } = this.client;
    if (action === "help") return openHelp(state.usage);
    if (action === "typed") return this.line.begin("");
    if (action === "details") return this.details();
    if (action === "take_over") return void (await this.orders.takeOver());
    if (action === "start" && this.lobby.open) return void this.lobby.openTemplate(this.lobby.chosen, true);
    if (!this.orders.allowed()) return;
    if (action === "decision") return this.minutes.begin();
    if (!directs(state)) return this.watching();
    if (!this.selected && NEEDS_POINT.includes(action)) return this.orders.say(t("console.select_first"), false);
    await this.direct(action);
  }

  /** An action of who directs. @param {Action} action */
  async direct(action) {
    const command = commandOf(action, this.client.state, this.selected);
    switch (action) {
      case "layout":
        return this.nextLayout();
      case "share":
        return this.share();
      case "film":
        return this.films.open();
      case "end":
        return this.end();
      case "audience":
        return this.audience.open();
      case "papers":
        return this.papers.open();
      case "page_back":
        return this.papers.turn(-1);
      case "page_on":
        return this.papers.turn(1);
      case "agenda":
        return this.agenda.open();
      case "persons":
        return this.persons.open();
      case "vote":
        return this.votes.open();
      case "banner":
        return this.line.begin("banner ");
      case "drop":
        if (command?.type === "recall" || (await this.sureToDrop())) await this.give(command);
        return;
      default:
        await this.give(command);
    }
  }

  /** @param {Asked | null} command */
  async give(command) {
    if (!command) return;
    if (this.client.state.mayDirect && !directs(this.client.state)) this.watching();
    else await this.orders.command(command);
  }

  /** Open the panel of the chosen point, of who is on air where none is, or close it. */
  details() {
    if (this.panel.point !== null) this.panel.close();
    else this.panel.open(this.selected ?? this.client.state.conference?.on_air ?? null);
    this.render();
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
    if (!(await confirmedFirmly(t("console.end_sure"), t("console.end"), t("console.end_word")))) return;
    if (await this.orders.command({ type: "end" })) this.orders.say(t("console.ended"), true);
  }
}
