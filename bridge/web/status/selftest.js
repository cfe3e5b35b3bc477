// The self-test: this browser's camera and microphone, to the bridge and back, for ten seconds, and
// longer where something is still missing.

import { blockedKey } from "../common/blocked.js";
import { browser } from "../common/browser.js";
import { byId, elementOf, makeText, makeVideo } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { Media } from "../common/media.js";
import { Connection } from "../common/protocol.js";
import { Sounds } from "../common/sounds.js";

const LOOK_EVERY = 0.5; // s
const LOOKS = 20; // 10 s, on a computer that keeps up
const LONGEST = 60; // looks where something has not come back yet: nobody is told too early that it is broken

/** @type {Record<string, string>} */
const ICONS = { good: "✔", warn: "!", bad: "✖" };

/** @type {Sounds} */
let sounds;
/** @type {HTMLVideoElement} */
let picture;

/** Make the button work. */
export function startSelfTest() {
  picture = makeVideo(byId("echo"), " ");
  sounds = new Sounds();
  byId("run").addEventListener("click", run);
}

async function run() {
  const button = elementOf("run", HTMLButtonElement);
  button.disabled = true;
  byId("results").replaceChildren();
  say(t("status.test_devices"));
  /** @type {MediaStream} */
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 360 } },
      audio: { echoCancellation: false },
    });
  } catch {
    result("bad", t("room.error.no_camera"));
    say("");
    button.disabled = false;
    return;
  }
  const findings = await test(stream);
  for (const track of stream.getTracks()) track.stop();
  result(findings.picture ? "good" : "bad", t(findings.picture ? "status.picture_back" : "status.picture_lost"), "picture");
  result(findings.sound ? "good" : "bad", t(findings.sound ? "status.sound_back" : "status.sound_lost"), "sound");
  const line = findings.loss < 0.01 ? "good" : findings.loss < 0.1 ? "warn" : "bad";
  const values = { loss: (findings.loss * 100).toFixed(1), rtt: findings.rtt.toFixed(0) };
  result(findings.connected ? line : "bad", findings.connected ? t("status.line_result", values) : t("status.line_lost"), "line");
  say(findings.advice ? t(findings.advice) : t("status.test_done"));
  button.disabled = false;
}

/**
 * Send to the bridge and look at what comes back, for ten seconds.
 * @param {MediaStream} stream
 */
async function test(stream) {
  const findings = { picture: false, sound: false, connected: false, loss: 0, rtt: 0, advice: "" };
  /** @type {() => void} */
  let ended = () => {};
  const over = new Promise((resolve) => (ended = () => resolve(null)));
  const connection = new Connection({ kind: "echo" }, {
    message: (message) => {
      if (message.type === "welcome") {
        const [voice = null] = stream.getAudioTracks();
        const [camera = null] = stream.getVideoTracks();
        media.replace(voice, camera);
        media.send(true);
        media.start({ slots: message.slots, layers: message.layers, sends: "room" });
      } else if (message.type === "ended") ended();
    },
    status: () => {},
  }, browser);
  const media = new Media(connection, {
    track: (slot, track) => {
      if (slot === "programme") picture.srcObject = new MediaStream([track]);
      else sounds.attach(slot, track);
    },
    status: (status) => {
      if (status === "up") findings.connected = true;
    },
  });
  connection.start();
  let frames = 0;
  for (let looks = 1; looks <= LOOKS || (looks <= LONGEST && !(findings.picture && findings.sound)); looks += 1) {
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY * 1000))]);
    say(t("status.test_running", { left: String(Math.max(1, Math.ceil((LOOKS - looks) * LOOK_EVERY))) }));
    for (const report of (await media.pc?.getStats())?.values() ?? []) {
      if (report.type === "inbound-rtp" && report.kind === "video") {
        frames = report.framesDecoded ?? 0;
        findings.loss = report.packetsLost / Math.max(1, report.packetsLost + report.packetsReceived);
      }
      if (report.type === "inbound-rtp" && report.kind === "audio" && report.totalAudioEnergy > 0) findings.sound = true;
      if (report.type === "candidate-pair" && report.nominated) findings.rtt = (report.currentRoundTripTime ?? 0) * 1000;
    }
    findings.picture = frames > 10;
  }
  findings.advice = blockedKey(media.failures, { userAgent: navigator.userAgent, host: location.hostname });
  connection.leave();
  media.stop();
  return findings;
}

/** @param {string} text */
function say(text) {
  byId("progress").textContent = text;
}

/** @param {string} level @param {string} text @param {string} [name] */
function result(level, text, name = "") {
  const row = makeText("li", "", `${ICONS[level]} ${text}`, byId("results"));
  row.dataset.level = level;
  row.dataset.result = name;
}
