// The admin's page: accounts, devices, logins, topology, templates, incidents, audit, backup.

import { call, get, post } from "../common/api.js";
import { pick, problemText, t } from "../common/i18n.js";
import { logout, whoami } from "../common/login.js";
import { byId, confirmed, percent, startLanguage, timeText } from "../common/page.js";
import { Refused } from "../common/protocol.js";
import { make } from "../common/tiles.js";

const ROLES = ["operator", "technician", "viewer", "admin"];
const ZONE = "Asia/Ho_Chi_Minh";

await startLanguage(load);
const me = await whoami(byId("login"));
byId("logout").addEventListener("click", logout);
byId("admin").hidden = !me.rights.includes("admin");
if (byId("admin").hidden) byId("error").textContent = t("account.no_right");
byId("open-only").addEventListener("change", () => loadIncidents());
byId("calendar").textContent = `${t("admin.calendar")} ${location.origin}/api/v1/calendar.ics?key=${me.calendar}`;

/** Do something, and say what came of it. @param {() => Promise<any>} work */
async function attempt(work) {
  byId("error").textContent = "";
  byId("done").textContent = "";
  try {
    const text = await work();
    byId("done").textContent = typeof text === "string" ? text : t("admin.done");
    await load();
  } catch (error) {
    byId("error").textContent = error instanceof Refused ? problemText(error.problem) : t("page.no_answer");
    byId("error").scrollIntoView({ block: "nearest" });
  }
}

/**
 * @param {string} id
 * @param {string[]} columns
 * @param {(string | HTMLElement)[][]} rows
 */
function table(id, columns, rows) {
  const root = byId(id);
  root.replaceChildren();
  const head = make("tr", "", make("thead", "", root));
  for (const column of columns) {
    const cell = make("th", "", head);
    cell.setAttribute("scope", "col");
    cell.textContent = t(column);
  }
  const body = make("tbody", "", root);
  for (const row of rows) {
    const line = make("tr", "", body);
    for (const value of row) make("td", "", line).append(value);
  }
}

/** @param {string} text @param {() => Promise<any>} work @param {string} [question] */
function button(text, work, question) {
  const element = make("button", "");
  element.textContent = t(text);
  element.addEventListener("click", async () => {
    if (!question || (await confirmed(question, t(text)))) attempt(work);
  });
  return element;
}

/** @param {HTMLElement[]} items */
function row(...items) {
  const element = make("div", "row");
  element.append(...items);
  return element;
}

async function load() {
  if (byId("admin").hidden) return;
  await Promise.all([loadOverview(), loadUsers(), loadDevices(), loadLogins(), loadAudit(), loadTemplates(), loadIncidents()]);
}

// --- overview ------------------------------------------------------------------------------

const OVERVIEW_EVERY = 10_000; // ms
const NO_WORRY = { disk: 0.1, certificate: 14 * 86400 };

async function loadOverview() {
  const found = await get("/overview");
  const list = byId("overview");
  list.replaceChildren();
  const missing = found.missing.map((/** @type {string} */ id) =>
    pick(found.points.find((/** @type {any} */ point) => point.id === id)?.name ?? { vi: id, en: id }));
  const free = found.disk_size ? found.disk_free / found.disk_size : null;
  for (const [key, value, worry] of /** @type {[string, string, boolean][]} */ ([
    ["online", `${found.online}/${found.points.length}`, false],
    ["in_session", String(found.in_session), false],
    ["missing", missing.join(", ") || t("overview.none"), missing.length > 0],
    ["conferences", String(found.conferences), false],
    ["next", found.next_start ? timeText(found.next_start, ZONE, "day") : t("overview.none"), false],
    ["incidents", String(found.incidents), found.incidents > 0],
    ["worker", t(found.worker ? "overview.running" : "overview.away"), !found.worker],
    ["unsaved", String(found.unsaved), found.unsaved > 0],
    ["disk", percent(free, 0), free !== null && free < NO_WORRY.disk],
    ["certificate", found.certificate ? timeText(found.certificate, ZONE, "date") : t("overview.none"),
      Boolean(found.certificate) && found.certificate - found.now < NO_WORRY.certificate],
  ])) {
    const item = make("div", worry ? "worry" : "", list);
    make("dt", "", item).textContent = t(`overview.${key}`);
    make("dd", "", item).textContent = worry ? `⚠ ${value}` : value;
  }
  table("overview-points",
    ["overview.point", "overview.state", "overview.up", "overview.down", "overview.incidents", "overview.day", "overview.day_loss"],
    found.points.map((/** @type {any} */ point) => [
      pick(point.name),
      point.maintenance ? `${t(`state.${point.state}`)} (${t("overview.maintenance")})` : t(`state.${point.state}`),
      `${t(`quality.${point.up}`)} ${percent(point.loss_up, 1)}`,
      `${t(`quality.${point.down}`)} ${percent(point.loss_down, 1)}`,
      String(point.incidents),
      percent(point.availability, 2),
      `${percent(point.day_loss_up, 2)} / ${percent(point.day_loss_down, 2)}`,
    ]));
  byId("overview-age").textContent = t("overview.age", { at: timeText(found.now, ZONE) });
}

setInterval(() => {
  // Only while somebody looks: the last 24 hours are read from the store each time.
  if (!byId("admin").hidden && !document.hidden) loadOverview().catch(() => undefined);
}, OVERVIEW_EVERY);

async function loadUsers() {
  const users = await get("/users");
  table("users", ["login.name", "admin.role", "admin.points", "admin.state", "admin.do"],
    users.map((/** @type {any} */ user) => {
      const role = /** @type {HTMLSelectElement} */ (make("select", ""));
      role.setAttribute("aria-label", `${t("admin.role")}: ${user.name}`);
      for (const name of ROLES) role.add(new Option(t(`role.${name}`), name, false, name === user.role));
      role.addEventListener("change", () => attempt(() => call("PATCH", `/users/${user.name}`, { role: role.value })));
      const state = user.disabled ? "admin.disabled" : user.must_change ? "admin.first_login" : "admin.active";
      return [
        user.name, role, user.points.join(", "), t(state),
        row(
          button(user.disabled ? "admin.enable" : "admin.disable", () =>
            call("PATCH", `/users/${user.name}`, { disabled: !user.disabled })),
          button("admin.reset", async () => {
            const answer = await (await call("PATCH", `/users/${user.name}`, { reset: true })).json();
            return t("admin.new_password", { name: user.name, password: answer.password });
          }, t("admin.reset_sure", { name: user.name })),
        ),
      ];
    }));
}

async function loadDevices() {
  const [devices, points] = await Promise.all([get("/devices"), get("/points")]);
  const select = /** @type {HTMLSelectElement} */ (document.querySelector("#make-code select"));
  const before = select.value;
  select.replaceChildren();
  for (const point of points) select.add(new Option(pick(point.name), point.id));
  if (before) select.value = before;
  table("devices", ["room.point", "admin.device", "admin.created", "admin.seen", "admin.do"],
    devices.map((/** @type {any} */ device) => [
      device.point, device.name, timeText(device.created, ZONE, "day"),
      device.seen ? timeText(device.seen, ZONE, "day") : "–",
      device.revoked
        ? t("admin.revoked")
        : button("admin.revoke", () => call("DELETE", `/devices/${device.id}`), t("admin.revoke_sure", { point: device.point })),
    ]));
}

async function loadLogins() {
  const logins = await get("/logins");
  table("logins", ["login.name", "admin.created", "admin.seen", "admin.address", "admin.agent", "admin.do"],
    logins.map((/** @type {any} */ login) => [
      login.user, timeText(login.created, ZONE, "day"), timeText(login.seen, ZONE, "day"),
      login.address, login.agent.slice(0, 60),
      button("admin.end_login", () => call("DELETE", `/logins/${login.id}`)),
    ]));
}

async function loadIncidents() {
  const open = /** @type {HTMLInputElement} */ (byId("open-only")).checked ? "?open=1" : "";
  const incidents = await get(`/incidents${open}`);
  table("incidents", ["admin.at", "room.point", "incident.title", "admin.state", "admin.do"],
    incidents.map((/** @type {any} */ item) => [
      timeText(item.since, ZONE, "day"), item.point,
      `${t("incident.number", { number: String(item.number) })}: ${t(`incident.${item.kind}`)} ${item.note}`,
      item.until ? t("incident.until", { at: timeText(item.until, ZONE, "day") }) : t("admin.active"),
      item.kind === "fault" && !item.until
        ? button("incident.clear", () => call("DELETE", `/incidents/${item.number}`))
        : "–",
    ]));
}

async function loadAudit() {
  const lines = await get("/audit");
  table("audit", ["admin.at", "admin.actor", "admin.address", "admin.action", "admin.target", "admin.outcome"],
    lines.map((/** @type {any} */ line) => [
      `${timeText(line.at, ZONE, "day")}`, line.actor, line.address, line.action, line.target, line.outcome,
    ]));
}

// --- topology ------------------------------------------------------------------------------

let topologyTag = "";

async function loadTopology() {
  try {
    const answer = await call("GET", "/topology");
    topologyTag = answer.headers.get("ETag") ?? "";
    /** @type {HTMLTextAreaElement} */ (byId("topology-text")).value = (await answer.json()).text;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    make("li", "", byId("findings")).textContent = problemText(error.problem);
  }
}

const topologyText = () => /** @type {HTMLTextAreaElement} */ (byId("topology-text")).value;

/** @param {any} checked */
function showFindings(checked) {
  const list = byId("findings");
  list.replaceChildren();
  /** @param {string} text @param {boolean} bad */
  const say = (text, bad) => {
    const item = make("li", "", list);
    item.textContent = text;
    item.dataset.bad = String(bad);
  };
  for (const p of checked.problems ?? []) say(`${t("admin.line", { line: String(p.line), column: String(p.column) })} ${p.path}: ${p.sentence}`, true);
  if (checked.refused) say(pick(checked.refused), true);
  for (const d of checked.differences ?? []) {
    const restart = d.restart ? ` (${t("admin.after_restart")})` : "";
    say(`${d.path}: ${d.before || "–"} → ${d.after || "–"}${restart}`, false);
  }
  if (checked.ok && !checked.differences.length) say(t("admin.no_difference"), false);
}

/** @param {() => Promise<Response>} work */
async function topology(work) {
  byId("error").textContent = "";
  try {
    showFindings(await (await work()).json());
  } catch (error) {
    if (error instanceof Refused && (error.problem?.problems || error.problem?.refused)) showFindings(error.problem);
    else byId("error").textContent = error instanceof Refused ? problemText(error.problem) : t("page.no_answer");
    return;
  }
}

byId("check").addEventListener("click", () => topology(() => call("POST", "/topology/check", { text: topologyText() })));
byId("swap").addEventListener("click", async () => {
  await topology(() => call("PUT", "/topology", { text: topologyText() }, { "If-Match": topologyTag }));
  const answer = await call("GET", "/topology");
  topologyTag = answer.headers.get("ETag") ?? "";
});
byId("reload").addEventListener("click", async () => {
  await topology(() => call("POST", "/topology/reload"));
  await loadTopology();
});

// --- templates -----------------------------------------------------------------------------

let templateTag = "";

async function loadTemplates() {
  const list = byId("template-list");
  list.replaceChildren();
  for (const { id, editable, template } of await get("/templates")) {
    const item = make("li", "", list);
    item.append(`${id}: ${template.title.vi} `);
    const edit = make("button", "", item);
    edit.textContent = t(editable ? "admin.edit" : "admin.copy");
    edit.addEventListener("click", () => editTemplate(id, editable));
    if (editable) item.append(" ", button("admin.remove", () => removeTemplate(id), t("admin.remove_sure", { id })));
  }
}

/** @param {string} id @param {boolean} editable */
async function editTemplate(id, editable) {
  const answer = await call("GET", `/templates/${id}`);
  templateTag = editable ? (answer.headers.get("ETag") ?? "") : "";
  const template = await answer.json();
  if (!editable) template.id = `${id}-2`;
  /** @type {HTMLTextAreaElement} */ (byId("template-text")).value = JSON.stringify(template, null, 2);
}

/** @param {string} id */
async function removeTemplate(id) {
  const answer = await call("GET", `/templates/${id}`);
  return call("DELETE", `/templates/${id}`, undefined, { "If-Match": answer.headers.get("ETag") ?? "" });
}

byId("save-template").addEventListener("click", () => attempt(async () => {
  const text = /** @type {HTMLTextAreaElement} */ (byId("template-text")).value;
  /** @type {any} */
  let template;
  try {
    template = JSON.parse(text);
  } catch {
    return t("admin.not_json");
  }
  await call("PUT", `/templates/${template.id}`, template, templateTag ? { "If-Match": templateTag } : {});
  templateTag = "";
  return undefined;
}));

// --- forms ---------------------------------------------------------------------------------

byId("add-user").addEventListener("submit", (event) => {
  event.preventDefault();
  const element = /** @type {HTMLFormElement} */ (event.target);
  const form = new FormData(element);
  attempt(async () => {
    const points = String(form.get("points")).split(/[\s,]+/).filter(Boolean);
    const answer = await post("/users", { name: form.get("name"), role: form.get("role"), points });
    element.reset();
    return t("admin.new_password", { name: answer.user.name, password: answer.password });
  });
});

byId("make-code").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
  attempt(async () => {
    const answer = await post(`/points/${form.get("point")}/enrolments`);
    byId("code").textContent = answer.code;
    return t("admin.code_made", { point: answer.point });
  });
});

byId("restore").addEventListener("click", async () => {
  const file = /** @type {HTMLInputElement} */ (byId("backup-file")).files?.[0];
  if (!file) {
    byId("error").textContent = t("admin.choose_file");
    return;
  }
  if (!(await confirmed(t("admin.restore_sure"), t("admin.restore")))) return;
  attempt(async () => {
    const answer = await (await call("PUT", "/backup", file)).json();
    return t("admin.restored", { rows: String(answer.rows) });
  });
});

const roles = /** @type {HTMLSelectElement} */ (document.querySelector("#add-user select"));
for (const name of ROLES) roles.add(new Option(t(`role.${name}`), name));
await load();
if (!byId("admin").hidden) await loadTopology();
