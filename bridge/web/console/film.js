// A film with sound for all rooms: a file of this computer, or a tab of the browser. Its picture is
// shared as a screen is, its sound goes on a line of its own, as loud as the operator says.

/** @import { Client } from "../common/client.js" */
/** @import { Orders } from "./orders.js" */
import { byId, elementOf, make, setText } from "../common/dom.js";
import { t } from "../common/i18n.js";

/** What plays a file of this computer. @typedef {HTMLVideoElement & {captureStream?: () => MediaStream}} Player */

/**
 * @typedef {object} Film  one that is shown
 * @property {string} name
 * @property {MediaStreamTrack} picture
 * @property {GainNode | null} level  null: it has no sound
 * @property {AudioContext | null} context
 * @property {HTMLVideoElement | null} player  of a file
 * @property {boolean} seen  the bridge has shown it to all
 */

/** The film that this page plays to all. */
export class Films {
  /** @param {Client} client @param {Orders} orders */
  constructor(client, orders) {
    this.client = client;
    this.orders = orders;
    /** @type {Film | null} */
    this.film = null;
    this.asking = false;
    this.dialog = elementOf("film", HTMLDialogElement);
    const file = elementOf("film-file", HTMLInputElement);
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? [];
      file.value = "";
      this.dialog.close();
      if (chosen) this.tried(() => this.play(chosen));
    });
    byId("film-tab").addEventListener("click", () => {
      this.dialog.close();
      this.tried(() => this.capture());
    });
    byId("film-close").addEventListener("click", () => this.dialog.close());
    byId("film-stop").addEventListener("click", () => this.stop());
    elementOf("film-level", HTMLInputElement).addEventListener("input", () => this.setLevel());
    const sound = elementOf("film-sound", HTMLInputElement);
    sound.addEventListener("change", async () => {
      this.asking = true; // until the bridge has answered the box shows what was asked for
      await this.orders.command({ type: "share", sound: sound.checked });
      this.asking = false;
    });
  }

  /** Choose a film, or end the one that plays. */
  open() {
    if (this.film) this.stop();
    else this.dialog.showModal();
  }

  /** @param {() => Promise<string>} work  resolves with why nothing plays, "" where it does */
  async tried(work) {
    const why = await work().catch(() => "film.unreadable");
    if (!why) return;
    this.finish();
    this.orders.say(t(why), false);
  }

  /** A file of this computer. @param {File} file */
  async play(file) {
    this.finish();
    /** @type {Player} */
    const player = make("video", "", byId("film-screen"));
    player.controls = true;
    player.playsInline = true;
    player.src = URL.createObjectURL(file);
    await new Promise((resolve, reject) => {
      player.onloadeddata = resolve;
      player.onerror = () => reject(new Error("unreadable"));
    });
    const [picture] = player.captureStream?.().getVideoTracks() ?? [];
    if (!picture) return player.captureStream ? "film.no_picture" : "film.not_here";
    const context = new AudioContext();
    const heard = context.createMediaElementSource(player); // from here on only what we let through sounds
    const level = context.createGain();
    heard.connect(level).connect(context.destination); // the operator hears it, as loud as the rooms do
    player.onended = () => this.stop();
    return this.show({ name: file.name, picture, level, context, player, seen: false });
  }

  /** A tab, a window or the screen, with its sound where the browser gives that. */
  async capture() {
    this.finish();
    /** @type {MediaStream} */
    let stream;
    try {
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 30 } }, audio: plain });
    } catch {
      return "console.no_screen"; // not allowed, or the person has closed the question
    }
    const [picture] = stream.getVideoTracks();
    const [sound] = stream.getAudioTracks();
    picture.onended = () => this.stop();
    const context = sound ? new AudioContext() : null;
    const level = context?.createGain() ?? null;
    if (context && level) context.createMediaStreamSource(new MediaStream([sound])).connect(level);
    return this.show({ name: picture.label, picture, level, context, player: null, seen: false });
  }

  /** Show a film to all. @param {Film} film @returns {Promise<string>} */
  async show(film) {
    const { picture, level, context, player } = film;
    this.film = film;
    this.setLevel();
    const out = context?.createMediaStreamDestination();
    if (level && out) level.connect(out);
    const [sound] = out?.stream.getAudioTracks() ?? [];
    await this.client.media.share(picture, "motion", sound ?? null);
    this.client.tell();
    if (!(await this.orders.command({ type: "share", sound: sound !== undefined }))) {
      await this.withdraw();
      return "";
    }
    await context?.resume();
    await player?.play();
    if (sound === undefined) this.orders.say(t("film.silent"), false);
    return "";
  }

  /** As loud as the slider says: 1 is as it is in the film. */
  setLevel() {
    const { value } = elementOf("film-level", HTMLInputElement);
    if (this.film?.level) this.film.level.gain.value = Number(value) / 100;
    setText(byId("film-percent"), `${value} %`);
  }

  async stop() {
    if (!this.film) return;
    const { conference, user } = this.client.state;
    if (conference?.content === `user:${user}`) await this.orders.command({ type: "stop_share" });
    await this.withdraw();
  }

  async withdraw() {
    this.finish();
    await this.client.media.share(null);
    this.client.tell();
  }

  /** Let go of what plays here. */
  finish() {
    const { film } = this;
    this.film = null;
    byId("film-box").hidden = true;
    const root = byId("film-screen");
    for (const player of root.querySelectorAll("video")) {
      player.onended = null;
      player.pause();
      URL.revokeObjectURL(player.src);
    }
    root.replaceChildren();
    if (film) {
      film.picture.onended = null;
      film.picture.stop();
      film.context?.close();
    }
  }

  render() {
    const { film } = this;
    const { conference, user } = this.client.state;
    byId("film-box").hidden = film === null;
    if (!film) return;
    const shown = conference?.content === `user:${user}`;
    if (film.seen && !shown) return void this.withdraw(); // somebody else's screen has taken its place
    film.seen = shown;
    setText(byId("film-name"), film.name);
    const sound = elementOf("film-sound", HTMLInputElement);
    sound.disabled = film.level === null;
    if (!this.asking) sound.checked = conference?.content_sound ?? false;
    elementOf("film-level", HTMLInputElement).disabled = film.level === null;
  }
}
