// What a signed PDF proves: the file is dropped here or chosen, the bridge looks at it and keeps
// nothing. Nobody has to log in.

/** @import { Judged } from "../types/protocol.js" */
import { byId, elementOf, makeText } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { accepted, errorText } from "../common/refused.js";

const drop = byId("drop");
/** @type {{name: string, judged: Judged} | null} */
let shown = null;
/** Files one after another: an answer belongs to the last one. */
let asked = 0;

// A file may be dropped before the texts are there.
const texts = startLanguage(render);

elementOf("file", HTMLInputElement).addEventListener("change", (event) => {
  const [file] = /** @type {HTMLInputElement} */ (event.target).files ?? [];
  if (file) look(file);
});
// Anywhere on the page: a file that misses the field would be opened instead.
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const [file] = event.dataTransfer?.files ?? [];
  if (file) look(file);
});

/** @param {File} file */
async function look(file) {
  const order = (asked += 1);
  shown = null;
  await texts;
  byId("error").textContent = t("verify.looking");
  render();
  try {
    // A busy bridge takes its time: no limit of ours.
    const response = await accepted(await fetch("/api/v1/verify", { method: "POST", body: file }));
    /** @type {Judged} */
    const judged = await response.json();
    if (order !== asked) return;
    shown = { name: file.name, judged };
    byId("error").textContent = "";
  } catch (error) {
    if (order === asked) byId("error").textContent = errorText(error);
  }
  render();
}

function render() {
  byId("judged").hidden = shown === null;
  if (!shown) return;
  const { name, judged } = shown;
  const verdict = byId("verdict");
  verdict.dataset.state = judged.state;
  verdict.textContent = t(`verify.${judged.state}`);
  byId("name").textContent = name;
  byId("sum").textContent = judged.sha256;
  const list = byId("findings");
  list.replaceChildren();
  for (const { state, said } of judged.findings) makeText("li", "", pick(said), list).dataset.state = state;
}

await texts;
document.title = t("verify.title");
