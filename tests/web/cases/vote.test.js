// Votes as rooms, the console and viewers are told of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { choiceText, choiceWord, openVote, outcomeWord, resultText } from "../../../bridge/web/common/vote.js";
import { choiceOfKey } from "../../../bridge/web/room/keys.js";
import { ballotText } from "../../../bridge/web/room/signing.js";
import { heldVote } from "../../../bridge/web/room/texts.js";
import { voteText } from "../../../bridge/web/watch/words.js";
import { NOW } from "./samples.js";
import { useLanguage } from "./support.js";

const result = { invited: 4, voted: 3, weight: 4, cast: 3, counts: { 1: 2, 2: 1 }, quorate: true, outcome: "chosen", chosen: ["1"] };
const vote = { number: 1, title: "Plan", stage: "closed", closed_at: NOW, options: ["<b>A</b>", "B"], result };
/** @param {object[]} votes */
const state = (votes) => /** @type {any} */ ({ conference: { votes } });

test("choices are told in the vote's own words, or in the catalogue's", () => {
  useLanguage("en");
  assert.equal(choiceText({ options: [] }, "against"), "Against");
  assert.equal(choiceText(vote, "2"), "B");
  assert.equal(choiceWord("2"), "Option 2");
  assert.equal(resultText(vote, /** @type {any} */ (result)), "CHOSEN: <b>A</b> · <b>A</b>: 2 · B: 1");
  const none = { ...result, outcome: "no_quorum", chosen: [] };
  assert.equal(outcomeWord(vote, /** @type {any} */ (none)), "NO QUORUM (3/4)");
});

test("a room shows the vote that is open, and for a minute what the last one came to", () => {
  const open = { ...vote, stage: "open", closed_at: null, result: null };
  assert.equal(heldVote(state([]), NOW), null);
  assert.equal(heldVote(state([vote, open]), NOW), open);
  assert.equal(openVote(state([vote, open]).conference), open);
  assert.equal(openVote(state([vote]).conference), null);
  assert.equal(heldVote(state([vote]), NOW + 59), vote);
  assert.equal(heldVote(state([vote]), NOW + 60), null);
});

test("a number presses its button, anything else none", () => {
  assert.equal(choiceOfKey("2", ["for", "against", "abstain"]), "against");
  for (const key of ["4", "0", "f", "Enter", "12"]) assert.equal(choiceOfKey(key, ["for", "against", "abstain"]), null);
});

test("who watches is told that a vote runs and what it came to", () => {
  useLanguage("en");
  assert.equal(voteText({ vote: null }), "");
  assert.equal(voteText(/** @type {any} */ ({ vote: { ...vote, stage: "open", result: null } })), "Vote: Plan");
  assert.match(voteText(/** @type {any} */ ({ vote })), /^Result of the vote: Plan · CHOSEN/);
  assert.equal(voteText(/** @type {any} */ ({ vote: { ...vote, stage: "cancelled", result: null } })), "");
});

test("what a room signs is what the bridge checks", () => {
  // tests/conference/test_ballot_signature.py has the same two texts.
  const plan = /** @type {any} */ ({ number: 3, title: "Kế hoạch", kind: "approval", options: [] });
  assert.equal(
    ballotText("hop-1", plan, "khoan-du", "for", 2),
    "diem-cau ballot 1\nconference: hop-1\nvote: 3\ntitle: Kế hoạch\nvoter: khoan-du\nballot: 2\nchoice: for\n",
  );
  const choice = { ...plan, title: "x", kind: "choice", options: ["A", "Bế"] };
  assert.equal(
    ballotText("hop-1", choice, "khoan-du", "2", 1),
    "diem-cau ballot 1\nconference: hop-1\nvote: 3\ntitle: x\nvoter: khoan-du\nballot: 1\nchoice: 2\noption: Bế\n",
  );
});
