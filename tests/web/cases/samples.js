// A conference of three points, as the bridge would tell it; cases change what they are about.

import { initial, reduce } from "../../../bridge/web/common/state.js";

const name = (/** @type {string} */ vi, /** @type {string} */ en) => ({ vi, en });
export const NOW = 1_900_000_000; // UTC seconds

/** @param {object} [changes] @returns {any} */
export const welcome = (changes = {}) => ({
  type: "welcome", version: 2, session: "s", kind: "console", resumed: false, media: false,
  point: null, user: "lan", role: "operator", bridge: name("Cầu", "Bridge"), contact: "0218 000 000",
  zone: "Asia/Ho_Chi_Minh",
  points: [
    { id: "hoi-truong", name: name("Hội trường", "Hall"), tier: "district", chair: true, observer: false, presets: [] },
    { id: "khoan-du", name: name("Khoan Dụ", "Khoan Du"), tier: "commune", chair: false, observer: false,
      presets: [{ number: 1, name: name("Toàn cảnh", "Everybody") }, { number: 3, name: name("Chủ tọa", "Chair") }] },
    { id: "chi-ne", name: name("Chi Nê", "Chi Ne"), tier: "town", chair: false, observer: true, presets: [] },
  ],
  slots: { video: ["programme"], audio: ["audio:0"] }, layers: [], may_direct: true, now: NOW, usage: [],
  ...changes,
});

/** @param {object} [changes] @returns {any} */
export const seat = (changes = {}) => ({
  present: true, called: true, connect: "automatic", microphone: false, open: false, locked: false,
  self_muted: false, camera_off: false, dropped: false, floor_seconds: 0, voice: "none", picture: true, problem: null, ...changes,
});

/** @param {object} [changes] @returns {any} */
export const conference = (changes = {}) => ({
  id: "giao-ban", seq: 5, title: name("Họp giao ban", "Briefing"), phase: "live", chair: "hoi-truong",
  points: ["hoi-truong", "khoan-du", "chi-ne"], expected: [], opened_at: NOW - 60, started_at: NOW - 30,
  start: null, end: null, on_air: "hoi-truong", preview: null, return_picture: null, layout: "speaker", content_sound: false,
  panes: [], pins: {}, content: null, floor: null, queue: [], roll_call: null, director: "lan",
  closed: false, recording: "allowed", record: "off", recorded: false, record_problem: "", audience: "nobody", audience_code: 1, viewers: {}, free_floor: false, end_near: false, banner: "", banners: {}, papers: [], showing: null, agenda: [], item: null, items_begun: [], decisions: [], votes: [],
  seats: { "hoi-truong": seat({ microphone: true, open: true }), "khoan-du": seat(), "chi-ne": seat() },
  ...changes,
});

/** @param {object} [changes] @returns {any} */
export const line = (changes = {}) => ({
  up: "good", down: "good", up_loss: 0, down_loss: 0, rtt_ms: 8, at: NOW, reach: "yes", up_variation: 1,
  down_variation: 2, up_mos: null, down_mos: null, offset_ms: null, uncertainty_ms: null, marks: {},
  source: "probe", agent: false, router: "", silent: 0, maintenance: false, incidents: 0, watching: [],
  playback: null, ...changes,
});

/** @param {object} [changes] @returns {any} */
export const stateMessage = (changes = {}) => ({
  type: "state", seq: 1, programme: "hoi-truong",
  points: { "hoi-truong": "in_session", "khoan-du": "in_session", "chi-ne": "in_session" },
  slots: {
    "thumb:1": { wanted: "khoan-du", shown: "khoan-du", layer: "q", stands: "khoan-du" },
    "thumb:2": { wanted: "chi-ne", shown: null, layer: "", stands: "chi-ne" },
  },
  conference: conference(), conferences: [], rooms: {}, upcoming: [], officers: [], cameras: {}, talks: {}, worker: true, unsaved: null,
  page: 0, pages: 1, paused: {}, ...changes,
});

/** What a page knows after these messages. @param {any[]} messages */
export const after = (...messages) => messages.reduce(reduce, initial);

/** A console in a conference. @param {object} [changes]  of the conference */
export const onDesk = (changes = {}) => after(welcome(), stateMessage({ conference: conference(changes) }));

/** The room page of Khoan Dụ. @param {object} [changes]  of the conference @param {object} [own]  of its seat */
export const inRoom = (changes = {}, own = {}) => after(
  welcome({ point: "khoan-du", user: null, role: "", may_direct: false }),
  stateMessage({ conference: conference({ seats: { "khoan-du": seat(own) }, ...changes }) }),
);

const slot = { slot: "programme", point: "hoi-truong", name: name("Hội trường", "Hall"), layer: "h", height: 360, frame_rate: 14.9, bitrate: 480_000, paused: "" };
/** What a weak line is sent and sends. @type {import("../../../bridge/web/types/protocol.js").PointTraffic} */
export const traffic = {
  connected: true, estimate: 820_000, bound: 1_500_000, used: 560_000, loss: 0.02, red: 1,
  slots: [
    slot,
    { ...slot, slot: "thumb:1", point: "chi-ne", name: name("Chi Nê", "Chi Ne"), height: 0, frame_rate: 0, bitrate: 0, paused: "line" },
    { ...slot, slot: "thumb:2", point: null, name: null, height: 0, frame_rate: 0, bitrate: 0 },
  ],
  share_up: 2_000_000, received: 640_000, lost: 0.061, red_received: 2,
  layers: [
    { source: "microphone", rid: "", height: 0, frame_rate: 0, bitrate: 40_000 },
    { source: "camera", rid: "q", height: 180, frame_rate: 15, bitrate: 140_000 },
  ],
  asked: { camera: ["q", "h"], content: [] }, promised: { up: "full", down: "no_thumbnails" },
};
