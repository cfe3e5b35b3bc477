// Templates of conferences, edited as JSON.

import { get, getTagged, put, remove } from "../common/api.js";
import { byId, elementOf, make, makeText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { attempt, button } from "./parts.js";

let tag = ""; // of the template in the editor; "" where it is new

const editor = () => elementOf("template-text", HTMLTextAreaElement);

/** Make the button work that saves. */
export function startTemplates() {
  byId("save-template").addEventListener("click", () => attempt(save));
}

export async function loadTemplates() {
  const list = byId("template-list");
  list.replaceChildren();
  for (const { id, editable, template } of await get("/templates")) {
    const item = make("li", "", list);
    item.append(`${id}: ${template.title.vi} `);
    const open = makeText("button", "", t(editable ? "admin.edit" : "admin.copy"), item);
    open.addEventListener("click", () => edit(id, editable));
    if (editable) item.append(" ", button("admin.remove", () => drop(id), t("admin.remove_sure", { id })));
  }
}

/** Put a template into the editor; one that cannot be changed as a new one. @param {string} id @param {boolean} editable */
async function edit(id, editable) {
  const found = await getTagged("/templates/{id}", { id });
  tag = editable ? found.tag : "";
  const template = editable ? found.answer : { ...found.answer, id: `${id}-2` };
  editor().value = JSON.stringify(template, null, 2);
}

/** @param {string} id */
async function drop(id) {
  const found = await getTagged("/templates/{id}", { id });
  await remove("/templates/{id}", { id }, found.tag);
}

async function save() {
  /** @type {Record<string, unknown>} */
  let template;
  try {
    template = JSON.parse(editor().value);
  } catch {
    return t("admin.not_json");
  }
  await put("/templates/{id}", { id: String(template.id) }, template, tag);
  tag = "";
  return undefined;
}
