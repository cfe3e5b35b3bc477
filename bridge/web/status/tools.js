// What a technician can do for a point: report a fault, silence its alerts, test or restart the
// room PC.

/** @import { FaultBody, PointStatus } from "../types/protocol.js" */
/** @import { Attempt, Box } from "./point.js" */
import { post } from "../common/api.js";
import { make, makeText, setText } from "../common/dom.js";
import { t } from "../common/i18n.js";

const MAINTENANCE = 240; // minutes
/** The three faults of the written procedure. @type {FaultBody["fault"][]} */
const FAULTS = ["picture", "sound", "lost"];

/** @param {string} id  of the point @param {Box} box @param {Attempt} attempt */
export function buildTools(id, box, attempt) {
  buildFault(id, box, attempt);
  const row = make("div", "row", box.tools);
  const silence = tool(row, "maintenance", "status.maintenance_on", () => attempt(async () => {
    const on = silence.getAttribute("aria-pressed") !== "true";
    await post("/points/{id}/maintenance", { id }, { on, minutes: on ? MAINTENANCE : null });
  }));
  tool(row, "room-test", "status.room_test", () => {
    setText(box.said, t("status.room_test_running"));
    attempt(async () => {
      const answer = await post("/points/{id}/agent", { id }, { command: "self_test" });
      if (answer.ok) return t("status.room_test_good");
      const detail = answer.call?.detail || answer.detail || "–";
      return t("status.room_test_bad", { detail });
    });
  });
  tool(row, "restart", "status.restart_kiosk", () => attempt(async () => {
    await post("/points/{id}/agent", { id }, { command: "restart_kiosk" });
    return t("status.restarted");
  }));
}

/** The form for a fault. @param {string} id @param {Box} box @param {Attempt} attempt */
function buildFault(id, box, attempt) {
  const form = make("form", "fault", box.tools);
  form.setAttribute("aria-label", t("status.report_fault"));
  const select = make("select", "", form);
  select.setAttribute("aria-label", t("status.report_fault"));
  for (const name of FAULTS) select.add(new Option(t(`status.fault_${name}`), name));
  const note = make("input", "", form);
  note.maxLength = 500;
  note.placeholder = t("status.fault_note");
  note.setAttribute("aria-label", t("status.fault_note"));
  makeText("button", "danger", t("status.report_fault"), form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const fault = FAULTS[select.selectedIndex];
      const incident = await post("/points/{id}/faults", { id }, { fault, note: note.value });
      note.value = "";
      return t("status.fault_sent", { number: String(incident.number) });
    });
  });
}

/** Show the tools that are of use now. @param {PointStatus} point @param {Box} box */
export function showTools({ agent, maintenance }, { tools }) {
  const kiosk = agent?.report?.kiosk.state ?? "off";
  for (const button of tools.querySelectorAll("button")) {
    if (button.dataset.tool === "restart") button.hidden = ["off", "headless"].includes(kiosk);
    if (button.dataset.tool === "room-test") button.hidden = !agent;
    if (button.dataset.tool === "maintenance") {
      button.setAttribute("aria-pressed", String(maintenance !== null));
      setText(button, t(maintenance ? "status.maintenance_off" : "status.maintenance_on"));
    }
  }
}

/** @param {Element} row @param {string} name @param {string} key @param {() => void} work */
function tool(row, name, key, work) {
  const button = makeText("button", "", t(key), row);
  button.dataset.tool = name;
  button.addEventListener("click", work);
  return button;
}
