// The room's camera and microphone, each by itself, and the dialog in which they are chosen and tried.

import { byId, elementOf, setText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { Device } from "./device.js";
import { Meter, playTones } from "./sound_test.js";
import { PROFILES, profileOf, treatmentOf } from "./sound_profile.js";

/** Lists of the dialog, each with the kind of device in it. The choice is stored under its id. */
const LISTS = [["camera", "videoinput"], ["voice", "audioinput"], ["speaker", "audiooutput"]];
const METER_EVERY = 100; // ms
const HEARD = 0.02; // amplitude, of 1, that somebody who speaks reaches

/** Camera and microphone of this computer; a room without either has the other all the same. */
export class Devices {
  /** @param {() => void} changed  a track, a fault or the choice of a loudspeaker has changed */
  constructor(changed) {
    this.changed = changed;
    this.told = "room"; // the sound's treatment that the topology says
    this.camera = new Device(this.environment("video"), () => this.renew());
    this.microphone = new Device(this.environment("audio"), () => this.renew());
    this.meter = new Meter();
    this.heard = false; // somebody was loud enough since the dialog was opened
    this.timer = 0;
    byId("devices").addEventListener("click", () => this.choose());
    byId("try-devices").addEventListener("click", () => this.choose());
    byId("try-speaker").addEventListener("click", () => playTones(this.speaker));
    byId("choose-close").addEventListener("click", () => elementOf("choose", HTMLDialogElement).close());
    byId("choose").addEventListener("close", () => this.close());
    navigator.mediaDevices?.addEventListener("devicechange", () => {
      this.camera.again();
      this.microphone.again();
    });
  }

  /** @param {"audio" | "video"} kind @returns {import("./device.js").Environment} */
  environment(kind) {
    const { mediaDevices } = navigator;
    return {
      // Two questions, not one: a browser answers a question for both with neither.
      ask: mediaDevices
        ? async () => {
            const stream = await mediaDevices.getUserMedia({ [kind]: kind === "video" ? pictureWanted() : this.soundWanted() });
            return stream.getTracks()[0];
          }
        : null,
      later: (work, seconds) => window.setTimeout(work, seconds * 1000),
      cancel: (timer) => window.clearTimeout(timer),
    };
  }

  get profile() {
    return profileOf(localStorage.getItem("profile"), this.told);
  }

  /** The loudspeaker that was chosen, "" for the computer's own choice. */
  get speaker() {
    return localStorage.getItem("speaker") ?? "";
  }

  soundWanted() {
    return { ...treatmentOf(this.profile), ...chosen("voice") };
  }

  /** Open both; neither waits for the other. */
  open() {
    this.camera.open();
    this.microphone.open();
  }

  /** The bridge has said how this point's sound is to be treated. @param {string} profile */
  treat(profile) {
    const before = this.profile;
    this.told = profile;
    if (this.profile !== before) this.microphone.open();
  }

  renew() {
    if (elementOf("choose", HTMLDialogElement).open) this.renderDialog();
    this.changed();
  }

  // --- the dialog -------------------------------------------------------------------------

  /** Let a person choose and try; what was chosen is remembered for the next start. */
  async choose() {
    this.heard = false;
    if (!this.camera.track) this.camera.open();
    if (!this.microphone.track) this.microphone.open();
    elementOf("choose", HTMLDialogElement).showModal();
    this.timer = window.setInterval(() => this.measure(), METER_EVERY);
    this.renderDialog();
    await this.fill();
  }

  close() {
    clearInterval(this.timer);
    this.meter.follow(null);
    elementOf("try-picture", HTMLVideoElement).srcObject = null;
  }

  async fill() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    for (const [id, kind] of LISTS) {
      const list = elementOf(id, HTMLSelectElement);
      list.replaceChildren(new Option(t("room.device_any"), ""));
      for (const device of devices.filter((d) => d.kind === kind && d.deviceId)) {
        list.add(new Option(device.label || device.deviceId, device.deviceId));
      }
      choice(list, id, () => this.chose(id));
    }
    const list = elementOf("profile", HTMLSelectElement);
    const told = t(`room.profile_${profileOf(null, this.told)}`);
    list.replaceChildren(new Option(t("room.profile_told", { profile: told }), ""));
    for (const profile of PROFILES) list.add(new Option(t(`room.profile_${profile}`), profile));
    choice(list, "profile", () => this.chose("voice"));
  }

  /** @param {string} id  of the list */
  chose(id) {
    this.heard = false;
    if (id === "camera") this.camera.open();
    else if (id === "voice") this.microphone.open();
    else this.changed();
  }

  renderDialog() {
    const { camera, microphone } = this;
    const picture = elementOf("try-picture", HTMLVideoElement);
    const [track] = picture.srcObject instanceof MediaStream ? picture.srcObject.getTracks() : [null];
    if (track !== camera.track) picture.srcObject = camera.track && new MediaStream([camera.track]);
    this.meter.follow(microphone.track);
    verdict("camera-found", camera.live, camera.fault && `device.camera_${camera.fault}`, "device.camera_fine");
    const silent = this.heard ? "device.microphone_fine" : "device.microphone_speak";
    verdict("voice-found", microphone.live && this.heard, microphone.fault && `device.microphone_${microphone.fault}`, silent);
  }

  measure() {
    const loudness = this.meter.read();
    byId("try-level").style.transform = `scaleX(${Math.min(1, loudness * 4)})`;
    if (loudness < HEARD || this.heard) return;
    this.heard = true;
    this.renderDialog();
  }
}

/** @param {string} id @param {boolean} good @param {string} fault @param {string} otherwise */
function verdict(id, good, fault, otherwise) {
  byId(id).dataset.level = good ? "good" : fault ? "bad" : "warn";
  setText(byId(id), t(fault || otherwise));
}

/** @param {HTMLSelectElement} list @param {string} id @param {() => void} changed */
function choice(list, id, changed) {
  list.value = localStorage.getItem(id) ?? "";
  if (list.selectedIndex < 0) list.value = "";
  list.onchange = () => {
    localStorage.setItem(id, list.value);
    changed();
  };
}

/** What was chosen before, where it is still there. @param {string} id */
function chosen(id) {
  const device = localStorage.getItem(id);
  return device ? { deviceId: { ideal: device } } : {};
}

const pictureWanted = () => ({
  width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, ...chosen("camera"),
});
