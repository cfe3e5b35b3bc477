// The technician's page: the points one looks after, three lamps each, and a self-test.

import { get } from "../common/api.js";
import { pick, problemText, t } from "../common/i18n.js";
import { logout, whoami } from "../common/login.js";
import { Media } from "../common/media.js";
import { byId, startLanguage, startSound, timeText } from "../common/page.js";
import { Connection, Refused } from "../common/protocol.js";
import { clockText } from "../common/state.js";
import { Sounds, make, makeVideo } from "../common/tiles.js";

const REFRESH = 3000; // ms
const TEST_SECONDS = 10;
const ZONE = "Asia/Ho_Chi_Minh";

/** @type {Record<string, string>} */
const ICONS = { good: "✔", warn: "!", bad: "✖", unknown: "?" };

await startLanguage(refresh);
const me = await whoami(byId("login"));
byId("logout").addEventListener("click", logout);
byId("test").hidden = false;

async function refresh() {
  try {
    const list = await get("/points");
    const points = list.length <= 3 ? await Promise.all(list.map((/** @type {any} */ p) => get(`/points/${p.id}`))) : list;
    byId("error").textContent = points.length ? "" : t("status.no_points");
    show(points);
  } catch (error) {
    byId("error").textContent = error instanceof Refused ? problemText(error.problem) : t("page.no_answer");
  }
}

/** @param {any[]} points */
function show(points) {
  const root = byId("points");
  root.replaceChildren();
  for (const point of points) {
    const box = make("section", "point", root);
    box.dataset.point = point.id;
    make("h2", "", box).textContent = pick(point.name);
    make("p", "joined", box).textContent = t(`state.${point.state}`);
    const lamps = make("ul", "lamps", box);
    for (const lamp of point.lamps) {
      const row = make("li", "", lamps);
      row.dataset.level = lamp.level;
      row.dataset.lamp = lamp.name;
      const icon = make("span", "icon", row);
      icon.textContent = ICONS[lamp.level];
      icon.setAttribute("aria-hidden", "true");
      const text = make("span", "", row);
      make("strong", "", text).textContent = `${t(`lamp.${lamp.name}`)}: ${t(`lamp.level_${lamp.level}`)}. `;
      text.append(pick(lamp.sentence));
    }
    if (point.next) {
      make("p", "", box).textContent = t("status.next", {
        title: pick(point.next.title),
        at: timeText(point.next.start, ZONE, "day"),
        left: clockText(point.next.start - point.now),
      });
    }
    if (point.last?.length) {
      make("h3", "", box).textContent = t("status.last");
      const list = make("ul", "last", box);
      for (const item of point.last) {
        const joined = item.joined ? t("status.drops", { drops: String(item.drops) }) : t("report.never_came");
        make("li", "", list).textContent = `${timeText(item.opened_at, ZONE, "day")} · ${pick(item.title)} · ${joined}`;
      }
    }
  }
  const contact = points[0]?.contact;
  byId("contact").textContent = contact ? t("status.call", { contact }) : "";
}

// --- the self-test -------------------------------------------------------------------------

const picture = makeVideo(byId("echo"), " ");
const sounds = new Sounds();
startSound(sounds);
byId("run").addEventListener("click", run);

async function run() {
  const button = /** @type {HTMLButtonElement} */ (byId("run"));
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
  say(t("status.test_done"));
  button.disabled = false;
}

/**
 * Send to the bridge and look at what comes back, for ten seconds.
 * @param {MediaStream} stream
 */
async function test(stream) {
  const findings = { picture: false, sound: false, connected: false, loss: 0, rtt: 0 };
  /** @type {() => void} */
  let ended = () => {};
  const over = new Promise((resolve) => (ended = () => resolve(null)));
  const connection = new Connection({ kind: "echo" }, {
    message: (message) => {
      if (message.type === "welcome") {
        media.replace(stream);
        media.send(true);
        media.start({ slots: message.slots, layers: message.layers, sends: "room" });
      } else if (message.type === "ended") ended();
    },
    status: () => {},
  });
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
  const start = performance.now();
  let frames = 0;
  while ((performance.now() - start) / 1000 < TEST_SECONDS) {
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 500))]);
    say(t("status.test_running", { left: String(Math.ceil(TEST_SECONDS - (performance.now() - start) / 1000)) }));
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
  connection.send({ type: "bye" });
  media.stop();
  connection.over = true;
  return findings;
}

/** @param {string} text */
function say(text) {
  byId("progress").textContent = text;
}

/** @param {string} level @param {string} text @param {string} [name] */
function result(level, text, name = "") {
  const row = make("li", "", byId("results"));
  row.dataset.level = level;
  row.dataset.result = name;
  row.textContent = `${ICONS[level]} ${text}`;
}

await refresh();
setInterval(refresh, REFRESH);
export { me };
