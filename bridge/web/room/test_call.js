// A test call for the operator: this room's own camera and microphone, to the bridge and back, and a
// still picture of what came back.

/** @import { Identity } from "./identity.js" */
import { browser } from "../common/browser.js";
import { Media } from "../common/media.js";
import { Connection } from "../common/protocol.js";

const LOOK_EVERY = 250; // ms
const LOOKS = 48; // 12 s on a computer that keeps up; a call that needs longer has failed
const FRAMES = 5; // pictures until one is taken: the first may still be dark
const PACKETS = 25; // of sound, half a second, until it counts as come back
const WIDTH = 320; // px of the still picture
const QUALITY = 0.6; // of its JPEG: some 10 kB

/**
 * Call; what was found. The tracks are sent as they are and stay open.
 * @param {Identity} who
 * @param {MediaStreamTrack | null} voice
 * @param {MediaStreamTrack | null} camera
 */
export async function callThrough(who, voice, camera) {
  const found = { connected: false, picture: false, sound: false, still: "" };
  const video = document.createElement("video");
  video.muted = true;
  const connection = new Connection({ ...who, kind: "echo" }, {
    message: (message) => {
      if (message.type !== "welcome") return;
      media.replace(voice, camera);
      media.send(true);
      media.start({ slots: message.slots, layers: message.layers, sends: "room" });
    },
    status: () => {},
  }, browser);
  const media = new Media(connection, {
    track: (slot, track) => {
      if (slot !== "programme") return; // the room must not hear itself: its packets are counted
      video.srcObject = new MediaStream([track]);
      video.play().catch(() => {}); // a page that may not play says so elsewhere
    },
    status: (status) => {
      if (status === "up") found.connected = true;
    },
  });
  connection.start();
  for (let looks = 0; looks < LOOKS && !((found.picture || !camera) && (found.sound || !voice)); looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    for (const report of (await media.pc?.getStats())?.values() ?? []) {
      if (report.type !== "inbound-rtp") continue;
      if (report.kind === "video") found.picture = (report.framesDecoded ?? 0) >= FRAMES && video.videoWidth > 0;
      else if (report.packetsReceived >= PACKETS) found.sound = true;
    }
  }
  if (found.picture) found.still = stillOf(video);
  connection.leave();
  media.stop();
  return found;
}

/** A picture as JPEG in base64. @param {HTMLVideoElement} video */
function stillOf(video) {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = Math.round((WIDTH * video.videoHeight) / video.videoWidth);
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", QUALITY).split(",")[1] ?? "";
}
