// No code reaches people: every kind of event with every reason is a sentence in both languages,
// without a key, without English in Vietnamese and without Vietnamese in English.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { t } from "../../../bridge/web/common/i18n.js";
import { reduce } from "../../../bridge/web/common/state.js";
import { missing } from "../../../bridge/web/console/floor.js";
import { KEYS } from "../../../bridge/web/console/keys.js";
import { lineText, reasonText } from "../../../bridge/web/console/log_text.js";
import { SECTIONS } from "../../../bridge/web/console/sections.js";
import { NOW, line, onDesk, seat, stateMessage, conference, traffic } from "./samples.js";
import { useLanguage } from "./support.js";

const TYPES = readFileSync(new URL("../../../bridge/web/types/protocol.d.ts", import.meta.url), "utf-8");
/** @param {string} language @returns {Record<string, string>} */
const catalogue = (language) =>
  JSON.parse(readFileSync(new URL(`../../../bridge/web/common/${language}.json`, import.meta.url), "utf-8"));
const VI = catalogue("vi");
const EN = catalogue("en");

/** Words that are English only, and what codes look like. */
const ENGLISH = /\b(the|of|is|are|was|has|had|its|and|to|by|from|with|not|for|point|room|picture|sound|lost|took|connection|closed|peer|incident)\b/i;
const VIETNAMESE = /[ăâđêôơưạảãàáặằắẳẵậầấẩẫẹẻẽèéệềếểễịỉĩìíọỏõòóộồốổỗợờớởỡụủũùúựừứửữỵỷỹỳý]/i;
const CODE = /\{|\}|undefined|null|\[object|\bNaN\b|[a-z]_[a-z]|\b[a-z]+\.[a-z_]+\b|user:\w|point:\w/;

/** @param {string} text @param {"vi" | "en"} language @param {string} of */
function isSentence(text, language, of) {
  assert.ok(text.trim(), of);
  assert.doesNotMatch(text, CODE, of);
  if (language === "vi") assert.doesNotMatch(text, ENGLISH, of);
  else assert.doesNotMatch(text, VIETNAMESE, of);
}

const REASONS = [
  ...Object.keys(EN).filter((key) => key.startsWith("call.")),
  ...Object.keys(EN).filter((key) => key.startsWith("lost.")).map((key) => key.slice(5)),
  // As older logs have them.
  "The peer closed the connection.", "Nothing was heard for 3.0 s.", "No ICE check arrived.",
  "DTLS did not end.", "The DTLS handshake failed (sslv3 alert).", "",
];
const KINDS = [...Object.keys(EN).filter((key) => /^incident\.(lost|loss|variation|round|dscp|agent|kiosk|fault)/.test(key)).map((key) => key.slice(9)), "a_new_kind"];

/** Values to try for a field of an event, by its name or its type. @type {Record<string, unknown[]>} */
const VALUES = {
  reason: REASONS, kind: KINDS, point: ["khoan-du", null], previous: ["hoi-truong"], points: [["khoan-du", "hoi-truong"], []],
  skipped: [["khoan-du"], []], sharer: ["user:lan", "point:khoan-du"], user: ["lan"], before: ["lan", null],
  floor: ["queued", "given", "none"], choice: ["for", "2"], voter: ["khoan-du"],
  layout: ["speaker", "alone", "grid", "content"], up: ["good", "fair", "poor", "bad", "unknown"], down: ["bad"],
  level: ["warn", "bad"], note: ["", "ok"], text: ["10", ""], limit: [90, null],
  wish: ["on", "paused", "off"], admits: ["nobody", "accounts", "code", "anybody"], viewers: [{ code: 2, anybody: 1 }, {}], problem: ["", "space", "failed"], lost: [3.5, 0], until: [NOW, null],
};

/** All kinds of events with the fields that the bridge's types say. */
const EVENTS = [...TYPES.matchAll(/^export interface (\w+Event) \{\n {2}type: "(\w+)";\n([^}]*)\}/gm)].map(
  ([, , type, body]) => ({ type, fields: [...body.matchAll(/^ {2}(\w+)\??: (.*);$/gm)].map(([, name, kind]) => ({ name, kind })) }),
);

/** @param {{name: string, kind: string}} field @returns {unknown[]} */
function valuesOf({ name, kind }) {
  if (kind === "Paper") return [{ id: "x-p1", version: 1, title: "Plan", pages: 5, octets: 9, sha256: "ab", points: [] }];
  if (kind === "VoteResult") return [{ invited: 3, voted: 2, weight: 3, cast: 2, counts: { for: 2, against: 0 }, quorate: true, outcome: "carried", chosen: [] }];
  if (name === "before" && kind.startsWith("Layout")) return ["speaker", null];
  const tried = VALUES[name] ?? (kind.startsWith("number") ? [75] : kind.startsWith("boolean") ? [true, false] : ["x"]);
  return kind.includes("null") ? tried : tried.filter((value) => value !== null);
}

/** Events of a kind in which each field takes each of its values. @param {{type: string, fields: {name: string, kind: string}[]}} kind */
function* samplesOf({ type, fields }) {
  const first = Object.fromEntries(fields.map((field) => [field.name, valuesOf(field)[0]]));
  yield { type, ...first };
  for (const field of fields) for (const value of valuesOf(field)) yield { type, ...first, [field.name]: value };
}

test("the types name all kinds of events", () => {
  assert.ok(EVENTS.length >= 40, String(EVENTS.length));
  const union = /^export type Event = (.*);$/m.exec(TYPES)?.[1].split(" | ") ?? [];
  assert.equal(EVENTS.length, union.length);
});

for (const language of /** @type {const} */ (["vi", "en"])) {
  test(`every event is a sentence: ${language}`, () => {
    useLanguage(language);
    for (const kind of EVENTS) {
      for (const event of samplesOf(kind)) {
        if (event.type === "dropped") event.reason = event.reason ? "10" : ""; // a person's own words
        const text = lineText(/** @type {any} */ ({ conference: "c", seq: 1, at: NOW, actor: "user:lan", reason: "", event }), onDesk());
        isSentence(text.replace(/ · lan$/, ""), language, JSON.stringify(event));
      }
    }
  });

  test(`every reason is a sentence of its own: ${language}`, () => {
    useLanguage(language);
    for (const reason of REASONS) {
      const text = reasonText(reason);
      isSentence(text, language, reason);
      assert.match(text, /\.$/, reason);
    }
    assert.notEqual(reasonText("new_offer"), reasonText("lost"));
    assert.equal(reasonText("The peer closed the connection."), reasonText("lost"));
  });

  test(`who is not in is told in words: ${language}`, () => {
    useLanguage(language);
    for (const presence of ["offline", "ready", "connecting", "lost"]) {
      for (const problem of [null, ...REASONS]) {
        const sentence = problem === null ? null : { vi: VI[`lost.${problem}`] ?? VI[problem] ?? VI["lost.lost"], en: EN[`lost.${problem}`] ?? EN[problem] ?? EN["lost.lost"] };
        const view = conference({ seats: { "khoan-du": seat({ present: false, problem: sentence }) } });
        const state = reduce(onDesk(), stateMessage({ conference: view, points: { "khoan-du": presence } }));
        for (const text of missing(state, view)) isSentence(text, language, `${presence} ${problem}`);
      }
    }
  });

  test(`the panel of a point speaks in words: ${language}`, () => {
    useLanguage(language);
    const status = /** @type {any} */ ({
      room: null, agent: null,
      incidents: KINDS.slice(0, -1).map((kind, number) => ({ number, kind, since: NOW, level: "bad" })),
      last: [{ id: "x", title: { vi: "Họp", en: "Meeting" }, opened_at: NOW, joined: true, drops: 2 }, { id: "y", title: { vi: "Họp", en: "Meeting" }, opened_at: NOW, joined: false, drops: 0 }],
    });
    const playback = { type: "playback", frozen: 0.1, concealed: 0.2, frame_height: 720, frame_rate: 25 };
    const room = { type: "status", camera: true, microphone: false, sending: true, sharing: false, layout: "speaker" };
    for (const own of [{}, { locked: true }, { open: true, self_muted: true }, { camera_off: true, floor_seconds: 90 }]) {
      for (const quality of [line({ playback, up: "poor" }), line({ reach: "no", silent: 400000 }), line({ maintenance: true, up_mos: 4.1 })]) {
        const state = reduce(reduce(onDesk({ seats: { "khoan-du": seat(own) } }), /** @type {any} */ ({ type: "lines", quality: { "khoan-du": quality } })), /** @type {any} */ ({ type: "levels", levels: {}, now: NOW }));
        for (const known of [state, { ...state, rooms: /** @type {any} */ ({ "khoan-du": room }) }]) {
          for (const { name, rows } of SECTIONS) {
            isSentence(t(`panel.${name}`), language, name);
            for (const { label, text } of rows({ state: known, point: "khoan-du", now: NOW, status, traffic })) {
              if (label) isSentence(label, language, `${name} ${label}`);
              isSentence(text.replace("MOS 4.1", "MOS"), language, `${name} ${text}`);
            }
          }
        }
      }
    }
  });
}

test("keys and typed commands are explained in both languages", () => {
  const words = Object.keys(EN).filter((key) => key.startsWith("word."));
  assert.ok(words.length >= 27);
  for (const key of [...words, ...KEYS.map(({ action }) => `shortcut.${action}`)]) {
    for (const [language, texts] of /** @type {const} */ ([["vi", VI], ["en", EN]])) {
      assert.ok(texts[key], `${key} in ${language}`);
      isSentence(texts[key], language, key);
    }
  }
});
