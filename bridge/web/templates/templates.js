// The operators' page of templates: kinds of conferences as a form. The bridge checks what is saved.

/** @import { Template, Values } from "./values.js" */
import { get, getTagged, put, remove } from "../common/api.js";
import { confirmed } from "../common/dialog.js";
import { byId, elementOf, make, makeHeader, makeText } from "../common/dom.js";
import { language, pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { whoami } from "../common/login.js";
import { errorText } from "../common/refused.js";
import { HEADING, REPEATS, templateOf, valuesOf } from "./values.js";

const AUDIENCES = ["nobody", "accounts", "code", "anybody"];
const LAYOUTS = ["speaker", "alone", "grid", "content"];
const TEXTS = /** @type {const} */ (["id", "vi", "en", "speaking", "keep", "start", "minutes", "rule", "exceptions", "opening", "agenda", "recipients", ...HEADING]);
const TICKS = /** @type {const} */ (["all_muted", "free", "forbidden", "automatic", "voices", "planned", "on_time"]);
const CHOICES = /** @type {const} */ (["chair", "layout", "repeat", "audience", "seen_by"]);

let tag = ""; // of the template in the form; "" where it is new
/** The template as it was when it was put into the form. @type {Partial<Template>} */
let before = {};
/** @type {import("../types/protocol.js").PointStatus[]} */
let points = [];

const form = elementOf("form", HTMLFormElement);
const ids = () => points.map(({ id }) => id);
/** @param {string} name */
const field = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

await startLanguage(() => list());
const me = await whoami(byId("login"));
if (me.rights.includes("templates")) await start();
else byId("error").textContent = t("account.no_right");

async function start() {
  points = await get("/points");
  byId("templates").hidden = false;
  byId("new").addEventListener("click", () => show({ title: { vi: "" } }, ""));
  byId("remove").addEventListener("click", drop);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(save);
  });
  await list();
}

async function list() {
  const root = byId("list");
  root.replaceChildren();
  for (const { id, editable, template } of await get("/templates")) {
    const item = make("li", "", root);
    const title = template.title[language()] ?? template.title.vi;
    item.append(`${title} `);
    const open = makeText("button", "", t(editable ? "admin.edit" : "admin.copy"), item);
    open.setAttribute("aria-label", `${open.textContent}: ${title}`);
    open.addEventListener("click", () => attempt(async () => {
      const found = await getTagged("/templates/{id}", { id });
      const shown = /** @type {Template} */ (/** @type {unknown} */ (found.answer));
      show(editable ? shown : { ...shown, id: `${id}-2` }, editable ? found.tag : "");
    }));
  }
}

/** Put a template into the form. @param {Template} template @param {string} known  its tag, "" where it is new */
function show(template, known) {
  tag = known;
  before = template;
  form.hidden = false;
  byId("form-title").textContent = template.title.vi || t("template.new");
  const values = valuesOf(template, ids());
  choices("chair", [["", t("template.chair_usual")], ...points.map(({ id, name }) => /** @type {[string, string]} */ ([id, pick(name)]))]);
  choices("seen_by", ["watch", "direct", "admin"].map((name) => [name, t(`seen_by.${name}`)]));
  choices("layout", LAYOUTS.map((name) => [name, t(`layout.${name}`)]));
  choices("audience", AUDIENCES.map((name) => [name, t(`audience.${name}`)]));
  choices("repeat", REPEATS.map((name) => [name, t(`template.repeat.${name}`)]));
  for (const name of [...TEXTS, ...CHOICES]) field(name).value = values[name];
  for (const name of TICKS) field(name).checked = values[name];
  field("id").readOnly = Boolean(known);
  byId("remove").hidden = !known;
  table(values);
  field(known ? "vi" : "id").focus();
}

/** @param {string} name @param {[string, string][]} options */
function choices(name, options) {
  const select = /** @type {HTMLSelectElement} */ (form.elements.namedItem(name));
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

/** Who takes part, and who must come. @param {Values} values */
function table(values) {
  const root = byId("points");
  root.replaceChildren();
  const head = make("tr", "", make("thead", "", root));
  for (const key of ["template.points", "template.takes_part", "template.must_come"]) makeHeader(t(key), "col", head);
  const body = make("tbody", "", root);
  for (const { id, name } of points) {
    const row = make("tr", "", body);
    makeHeader(pick(name), "row", row);
    for (const kind of /** @type {const} */ (["points", "expected"])) {
      const tick = make("input", "", make("td", "", row));
      Object.assign(tick, { type: "checkbox", name: kind, value: id, checked: values[kind].includes(id) });
      tick.setAttribute("aria-label", `${pick(name)}: ${t(kind === "points" ? "template.takes_part" : "template.must_come")}`);
    }
  }
}

/** @returns {Values} */
function values() {
  const all = new FormData(form);
  const found = /** @type {Record<string, unknown>} */ ({
    points: all.getAll("points").map(String),
    expected: all.getAll("expected").map(String),
  });
  for (const name of [...TEXTS, ...CHOICES]) found[name] = field(name).value;
  for (const name of TICKS) found[name] = field(name).checked;
  return /** @type {Values} */ (/** @type {unknown} */ (found));
}

async function save() {
  const given = values();
  const template = templateOf(given, ids(), before);
  await put("/templates/{id}", { id: given.id }, /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (template)), tag);
  before = template;
  tag = (await getTagged("/templates/{id}", { id: given.id })).tag;
  field("id").readOnly = true;
  byId("remove").hidden = false;
  byId("done").textContent = t("template.saved", { title: given.vi });
  await list();
}

async function drop() {
  const id = field("id").value;
  if (!(await confirmed(t("admin.remove_sure", { id }), t("admin.remove")))) return;
  await attempt(async () => {
    await remove("/templates/{id}", { id }, tag);
    form.hidden = true;
    await list();
  });
}

/** @param {() => Promise<void>} work */
async function attempt(work) {
  byId("error").textContent = "";
  byId("done").textContent = "";
  try {
    await work();
  } catch (error) {
    byId("error").textContent = errorText(error);
    byId("error").scrollIntoView({ block: "nearest" });
  }
}
