import assert from "node:assert/strict";
import { test } from "node:test";
import { barOf, lampOf, layoutOf, microphoneOf, mySeat, placeOf, statusOf, talkText, turnOf, waitingText } from "../../../bridge/web/room/texts.js";
import { playbackOf } from "../../../bridge/web/room/playback.js";
import { NOW, after, conference, inRoom, seat, stateMessage, welcome } from "./samples.js";
import { useLanguage } from "./support.js";

useLanguage("en");

const fine = { farewell: null, link: "up", problem: null, refusal: "", mediaLink: "up", faults: { camera: "", microphone: "" } };
const problem = { type: "", status: 409, title: "Another computer is this point.", title_vi: "Máy khác." };

test("the status says the worst first", () => {
  assert.equal(statusOf(fine)[0], "good");
  const all = {
    farewell: { vi: "Hết.", en: "Over." }, link: "wrong_key", problem, refusal: "Not now.", mediaLink: "down", faults: { camera: "missing", microphone: "" },
  };
  assert.deepEqual(statusOf(all), ["bad", "Over."]);
  assert.deepEqual(statusOf({ ...all, farewell: null }), ["bad", problem.title]);
  assert.deepEqual(statusOf({ ...all, farewell: null, link: "busy" }), ["bad", problem.title]);
  assert.match(statusOf({ ...all, farewell: null, link: "up" })[1], /Not now\./);
  assert.equal(statusOf({ ...fine, mediaLink: "down", faults: { camera: "busy", microphone: "" } })[0], "warn");
  const both = statusOf({ ...fine, faults: { camera: "denied", microphone: "missing" } });
  assert.equal(both[0], "warn");
  assert.match(both[1], /may not use the camera.*no microphone/, "each by itself, and a permission is no cable");
  assert.match(statusOf({ ...fine, link: "wrong_key" })[1], /\w+ \w+/, "a sentence also where the bridge gave none");
});

test("while nothing runs, the next conference is named with the time that is left", () => {
  const idle = after(welcome({ point: "khoan-du" }), stateMessage({ conference: null }));
  assert.equal(waitingText(idle, NOW).includes("{"), false);
  const upcoming = [{ template: "giao-ban", title: { vi: "Họp", en: "Briefing" }, start: NOW + 3661, end: NOW + 7000 }];
  assert.match(waitingText({ ...idle, upcoming }, NOW), /Briefing[^]*1:01:01/);
});

test("a room that is out, invited or in a trial session is told so", () => {
  const trial = { phase: "open", start: NOW + 90 };
  assert.equal(waitingText(inRoom(), NOW), "");
  assert.notEqual(waitingText(inRoom({}, { dropped: true, called: false }), NOW), "");
  assert.match(waitingText(inRoom({}, { called: false }), NOW), /Briefing/);
  assert.match(waitingText(inRoom(trial), NOW), /1:30/);
  const shown = after(welcome({ point: "khoan-du" }), stateMessage({
    conference: conference(trial), slots: { programme: { wanted: "hoi-truong", shown: "hoi-truong", layer: "f" } },
  }));
  assert.equal(waitingText(shown, NOW), "", "a picture is there already");
});

test("a turn counts down to its limit, and up without one", () => {
  const floor = { point: "khoan-du", since: NOW, used: 10, limit: 120, warned: null };
  assert.match(turnOf(floor, NOW + 20).text, /1:30/);
  assert.equal(turnOf(floor, NOW + 79).late, false);
  assert.equal(turnOf(floor, NOW + 80).late, true);
  assert.equal(turnOf(floor, NOW + 110).text, turnOf(floor, NOW + 500).text);
  assert.deepEqual(turnOf({ ...floor, limit: null }, NOW + 20), { text: "0:30", late: false });
});

test("content without a shared screen is the speaker", () => {
  assert.equal(layoutOf(null), "speaker");
  assert.equal(layoutOf(conference({ layout: "content" })), "speaker");
  assert.equal(layoutOf(conference({ layout: "content", content: "user:lan" })), "content");
  assert.equal(layoutOf(conference({ layout: "grid" })), "grid");
});

test("a room that is not in has no buttons", () => {
  const bar = barOf(inRoom({}, { present: false }), false);
  assert.deepEqual(bar, { sound: "closed", microphone: null, ask: null, mute: null, accept: null, share: null });
  const none = barOf(after(welcome({ point: "khoan-du" }), stateMessage({ conference: null })), false);
  assert.equal(none.ask, null);
});

test("who is in may ask for the floor once, and take the request back", () => {
  const queue = [{ point: "chi-ne", number: 1, at: NOW }, { point: "khoan-du", number: 2, at: NOW }];
  assert.equal(placeOf(inRoom()), 0);
  assert.equal(placeOf(inRoom({ queue })), 2);
  assert.match(barOf(inRoom({ queue }), false).ask ?? "", /2/);
  assert.ok(barOf(inRoom(), false).ask);
  const floor = { point: "khoan-du", since: NOW, used: 0, limit: null, warned: null };
  assert.equal(barOf(inRoom({ floor }), false).ask, null, "it has the floor");
  const observer = after(welcome({ point: "chi-ne" }), stateMessage());
  assert.equal(barOf(observer, false).ask, null, "observers never speak");
});

test("a room mutes itself where its microphone was opened, or the floor is free", () => {
  assert.equal(barOf(inRoom(), false).mute, null);
  const open = barOf(inRoom({}, { open: true, microphone: true, voice: "live" }), false);
  const shut = barOf(inRoom({}, { open: true }), false);
  assert.ok(open.sound === "open" && open.mute && shut.mute && open.mute !== shut.mute);
  assert.ok(barOf(inRoom({ free_floor: true }), false).mute);
  assert.notEqual(barOf(inRoom({}, { locked: true }), false).microphone, barOf(inRoom(), false).microphone);
});

test("an invited room may accept until it is called or sent out", () => {
  const invited = { present: false, called: false, connect: "invitation" };
  assert.ok(barOf(inRoom({}, invited), false).accept);
  assert.equal(barOf(inRoom({}, { ...invited, called: true }), false).accept, null);
  assert.equal(barOf(inRoom({}, { ...invited, dropped: true }), false).accept, null);
  assert.equal(mySeat(inRoom({ seats: { "chi-ne": seat() } })), null);
});

test("playback is told as shares of the window", () => {
  const picture = { height: 720, rate: 25 };
  const first = { at: 0, frozen: 1, heard: 1000, concealed: 100 };
  assert.equal(playbackOf([], picture), null);
  assert.equal(playbackOf([first], picture), null);
  const last = { at: 10_000, frozen: 3.5, heard: 2000, concealed: 350 };
  assert.deepEqual(playbackOf([first, last], picture),
    { type: "playback", frozen: 0.25, concealed: 0.25, frame_height: 720, frame_rate: 25 });
  const silent = playbackOf([first, { ...last, heard: 1000, frozen: 99, concealed: 0 }], picture);
  assert.deepEqual([silent?.frozen, silent?.concealed], [1, 0]);
});

test("a microphone is open only while the bridge hears it", () => {
  const wanted = { open: true, microphone: true };
  const state = (/** @type {object} */ own, /** @type {any} */ fault = "") => microphoneOf(seat({ ...wanted, ...own }), fault)[0];
  assert.equal(state({ voice: "live" }), "open");
  assert.equal(state({ voice: "none" }), "opening", "nothing has arrived yet");
  assert.equal(state({ voice: "none" }, "missing"), "wrong");
  assert.equal(state({ voice: "live" }, "muted"), "wrong");
  assert.equal(state({ voice: "silent" }), "wrong");
  assert.equal(state({ microphone: false, voice: "live" }), "closed", "heard by the bridge, which forwards nothing");
});

test("who is on air is told that everybody sees it, or that nobody does", () => {
  assert.equal(lampOf(inRoom(), true), "");
  const mine = inRoom({ on_air: "khoan-du" });
  assert.equal(lampOf(mine, true), "YOU ARE ON AIR");
  assert.match(lampOf(mine, false), /no camera/i);
  assert.match(lampOf(inRoom({ on_air: "khoan-du" }, { camera_off: true }), true), /no camera/i);
});

test("while an operator speaks to the room it says so, and whether the operator hears it", () => {
  const spoken = (/** @type {string} */ answer, own = {}) =>
    ({ ...inRoom({}, own), talks: { "khoan-du": { user: "lan", at: NOW, answer: /** @type {any} */ (answer) } } });
  assert.equal(talkText(inRoom(), ""), null);
  assert.deepEqual(talkText(spoken("live"), ""), { title: "The operator lan speaks to this room", sound: "open", text: "Only the operator hears you" });
  const lamp = (/** @type {string} */ answer, fault = /** @type {any} */ ("")) => {
    const bar = barOf(spoken(answer, { microphone: true, open: true, voice: "live" }), false, fault);
    return [bar.sound, bar.microphone];
  };
  // An open microphone is not said to be open while the meeting does not hear it.
  assert.deepEqual(lamp("live"), ["open", "Only the operator hears you"]);
  assert.deepEqual(lamp("muted"), ["closed", "Microphone off: the operator cannot hear you"]);
  assert.equal(lamp("silent")[0], "wrong");
  assert.equal(lamp("none")[0], "opening");
  assert.deepEqual(lamp("none", "missing"), ["wrong", "No microphone: the operator cannot hear you"]);
  assert.equal(talkText({ ...spoken("live"), self: "hoi-truong" }, ""), null, "another room is told nothing");
});
