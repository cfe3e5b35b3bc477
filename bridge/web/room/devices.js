// The room's camera and microphone: opened by themselves, opened again when they come back, and
// chosen in a dialog.

/** @import { Media } from "../common/media.js" */
import { byId, elementOf } from "../common/dom.js";

const RETRY = 5000; // ms between tries to open a camera that is missing
/** Lists of the dialog, each with the kind of device in it. The choice is stored under its id. */
const LISTS = [["camera", "videoinput"], ["voice", "audioinput"]];

/** Camera and microphone of this computer; a room without them still watches. */
export class Devices {
  /**
   * @param {Media} media  gets the tracks
   * @param {HTMLVideoElement} own  shows the camera
   * @param {() => void} changed  `error`, or what is sent, has changed
   */
  constructor(media, own, changed) {
    this.media = media;
    this.own = own;
    this.changed = changed;
    /** Key of a sentence that says what is missing, or "". */
    this.error = "";
    byId("devices").addEventListener("click", () => this.choose());
    byId("choose-close").addEventListener("click", () => elementOf("choose", HTMLDialogElement).close());
    navigator.mediaDevices?.addEventListener("devicechange", () => {
      if (this.error) this.open();
    });
  }

  async open() {
    if (!navigator.mediaDevices) {
      this.error = "room.error.insecure";
      this.changed();
      return;
    }
    try {
      const before = this.media.local;
      const stream = await navigator.mediaDevices.getUserMedia(wanted());
      await this.media.replace(stream);
      for (const track of before?.getTracks() ?? []) track.stop();
      this.own.srcObject = stream;
      this.own.hidden = false;
      this.error = "";
      for (const track of stream.getTracks()) track.onended = () => this.lost();
    } catch {
      this.error = "room.error.no_camera_continue";
      this.own.hidden = true;
      setTimeout(() => this.open(), RETRY);
    }
    this.changed();
  }

  /** A device was pulled out, or another program took it. */
  lost() {
    this.error = "room.error.no_camera";
    this.open();
  }

  /** Let a person choose; the choice is remembered for the next start. */
  async choose() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    for (const [id, kind] of LISTS) {
      const list = elementOf(id, HTMLSelectElement);
      list.replaceChildren();
      for (const device of devices.filter((d) => d.kind === kind)) {
        list.add(new Option(device.label || device.deviceId, device.deviceId));
      }
      list.value = localStorage.getItem(id) ?? list.value;
      list.onchange = () => {
        localStorage.setItem(id, list.value);
        this.open();
      };
    }
    elementOf("choose", HTMLDialogElement).showModal();
  }
}

/** What to ask the browser for: what was chosen before, where it is still there. */
function wanted() {
  /** @param {string} id */
  const chosen = (id) => {
    const device = localStorage.getItem(id);
    return device ? { deviceId: { ideal: device } } : {};
  };
  return {
    video: {
      width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, ...chosen("camera"),
    },
    audio: {
      echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...chosen("voice"),
    },
  };
}
