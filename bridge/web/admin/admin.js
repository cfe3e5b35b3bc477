// The admin's page: accounts, devices, logins, topology, incidents, audit, backup. This
// module puts its sections together; each has a module of its own.

import { put } from "../common/api.js";
import { confirmed } from "../common/dialog.js";
import { byId, elementOf } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { logout, whoami } from "../common/login.js";
import { loadOverview, startOverview } from "./overview.js";
import { afterwards, attempt } from "./parts.js";
import { loadDevices, loadLogins, loadUsers, startPeople } from "./people.js";
import { loadAudit, loadIncidents, loadRules, startRecords } from "./records.js";
import { startTopology } from "./topology.js";

let load = async () => {}; // before anybody is logged in there is nothing to load
await startLanguage(() => load());
const me = await whoami(byId("login"));
byId("logout").addEventListener("click", logout);
if (me.rights.includes("admin")) await start();
else if (me.rights.includes("inspect")) await inspect();
else byId("error").textContent = t("account.no_right");

/** What an auditor reads; everything that changes something is not there. */
async function inspect() {
  byId("admin").hidden = false;
  const read = new Set(["users", "logins", "incidents", "audit", "rules"]);
  for (const section of document.querySelectorAll("#admin section")) {
    const shown = [...section.querySelectorAll("[id]")].some(({ id }) => read.has(id));
    /** @type {HTMLElement} */ (section).hidden = !shown;
    for (const control of section.querySelectorAll("form, button")) {
      /** @type {HTMLElement} */ (control).hidden = true;
    }
  }
  load = async () => {
    await Promise.all([loadUsers(), loadLogins(), loadAudit(), loadIncidents(), loadRules()]);
    for (const control of document.querySelectorAll("#admin td button, #admin td select")) {
      control.setAttribute("disabled", "");
    }
  };
  await load();
}

async function start() {
  byId("admin").hidden = false;
  byId("calendar").textContent = `${t("admin.calendar")} ${location.origin}/api/v1/calendar.ics?key=${me.calendar}`;
  load = async () => {
    await Promise.all([
      loadOverview(), loadUsers(), loadDevices(), loadLogins(), loadAudit(), loadIncidents(),
      loadRules(),
    ]);
  };
  afterwards(load);
  startPeople();
  startRecords();
  byId("restore").addEventListener("click", restore);
  startOverview();
  await load();
  await startTopology();
}

/** Put a backup back, in place of everything that is stored. */
async function restore() {
  const file = elementOf("backup-file", HTMLInputElement).files?.[0];
  if (!file) {
    byId("error").textContent = t("admin.choose_file");
    return;
  }
  if (!(await confirmed(t("admin.restore_sure"), t("admin.restore")))) return;
  attempt(async () => {
    const { rows } = await put("/backup", {}, file);
    return t("admin.restored", { rows: String(rows) });
  });
}
