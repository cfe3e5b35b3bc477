// The topology's text: checked, compared with what runs, and swapped.

/** @import { Checked } from "../types/protocol.js" */
import { getTagged, post, put } from "../common/api.js";
import { byId, elementOf, makeText } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { Refused, errorText } from "../common/refused.js";

let tag = ""; // of the text that runs

const editor = () => elementOf("topology-text", HTMLTextAreaElement);

/** Load the text, and make the buttons work. */
export async function startTopology() {
  byId("check").addEventListener("click", () =>
    show(() => post("/topology/check", {}, { text: editor().value })));
  byId("swap").addEventListener("click", async () => {
    await show(() => put("/topology", {}, { text: editor().value }, tag));
    tag = (await getTagged("/topology")).tag;
  });
  byId("reload").addEventListener("click", async () => {
    await show(() => post("/topology/reload"));
    await load();
  });
  await load();
}

async function load() {
  try {
    const found = await getTagged("/topology");
    tag = found.tag;
    editor().value = found.answer.text;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    makeText("li", "", errorText(error), byId("findings"));
  }
}

/** Show what a check, or a refusal, has found. @param {() => Promise<Checked>} work */
async function show(work) {
  byId("error").textContent = "";
  try {
    showFindings(await work());
  } catch (error) {
    const problem = error instanceof Refused ? error.problem : null;
    if (problem?.problems || problem?.refused) showFindings(problem);
    else byId("error").textContent = errorText(error);
  }
}

/** @param {Partial<Checked>} checked */
function showFindings({ ok = false, problems = [], refused = null, differences = [], notes = [] }) {
  const list = byId("findings");
  list.replaceChildren();
  /** @param {string} text @param {boolean} bad */
  const say = (text, bad) => {
    makeText("li", "", text, list).dataset.bad = String(bad);
  };
  for (const { line, column, path, sentence, sentence_vi } of problems) {
    const said = pick({ vi: sentence_vi, en: sentence });
    say(`${t("admin.line", { line: String(line), column: String(column) })} ${path}: ${said}`, true);
  }
  if (refused) say(pick(refused), true);
  for (const note of notes) say(pick(note), true);
  for (const { path, before, after, restart } of differences) {
    const later = restart ? ` (${t("admin.after_restart")})` : "";
    say(`${path}: ${before || "–"} → ${after || "–"}${later}`, false);
  }
  if (ok && !differences.length) say(t("admin.no_difference"), false);
}
