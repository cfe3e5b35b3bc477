// Accounts of people, keys of the rooms' devices, and who is logged in.

/** @import { Role, User } from "../types/protocol.js" */
import { get, patch, post, remove } from "../common/api.js";
import { byId, make } from "../common/dom.js";
import { timeText } from "../common/format.js";
import { pick, t } from "../common/i18n.js";
import { zone } from "../common/zone.js";
import { attempt, button, row, table } from "./parts.js";

/** @type {Role[]} */
const ROLES = ["operator", "technician", "officer", "viewer", "auditor", "admin"];
const AGENT_SHOWN = 60; // characters of a browser's name

/** Make the forms work that add an account and make a one-time code. */
export function startPeople() {
  const roles = /** @type {HTMLSelectElement} */ (document.querySelector("#add-user select"));
  for (const name of ROLES) roles.add(new Option(t(`role.${name}`), name));
  const user = /** @type {HTMLFormElement} */ (byId("add-user"));
  user.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = new FormData(user);
    attempt(async () => {
      const points = String(form.get("points")).split(/[\s,]+/).filter(Boolean);
      const name = String(form.get("name"));
      const answer = await post("/users", {}, { name, role: ROLES[roles.selectedIndex], points });
      user.reset();
      return t("admin.new_password", { name: answer.user.name, password: answer.password });
    });
  });
  const code = /** @type {HTMLFormElement} */ (byId("make-code"));
  code.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = String(new FormData(code).get("point"));
    attempt(async () => {
      const answer = await post("/points/{id}/enrolments", { id, address: location.origin });
      byId("code").textContent = answer.code;
      byId("line").textContent = answer.line || t("api.no_bundle");
      byId("new-pc").hidden = false;
      const until = `${timeText(answer.expires, zone, "day")} (${zone})`;
      return t("admin.code_made", { point: answer.point, until });
    });
  });
}

export async function loadUsers() {
  const users = await get("/users");
  table("users", ["login.name", "admin.role", "admin.points", "admin.state", "admin.do"], users.map(userRow));
}

/** @param {User} user */
function userRow({ name, role, disabled, must_change, points, factor, directory }) {
  const select = make("select");
  select.setAttribute("aria-label", `${t("admin.role")}: ${name}`);
  for (const one of ROLES) select.add(new Option(t(`role.${one}`), one, false, one === role));
  select.addEventListener("change", () =>
    attempt(() => patch("/users/{name}", { name }, { role: ROLES[select.selectedIndex] })));
  const state = disabled ? "admin.disabled" : must_change ? "admin.first_login" : directory ? "admin.of_directory" : "admin.active";
  select.disabled = directory; // what the role is, is said there
  return [
    name, select, points.join(", "), t(state),
    row(
      button(disabled ? "admin.enable" : "admin.disable", () =>
        patch("/users/{name}", { name }, { disabled: !disabled })),
      ...(directory ? [] : [button("admin.reset", async () => {
        const { password } = await patch("/users/{name}", { name }, { reset: true });
        return t("admin.new_password", { name, password });
      }, t("admin.reset_sure", { name }))]),
      ...(factor ? [button("admin.factor_off", () =>
        patch("/users/{name}", { name }, { factor: false }), t("admin.factor_off_sure", { name }))] : []),
    ),
  ];
}

export async function loadDevices() {
  const [devices, points] = await Promise.all([get("/devices"), get("/points")]);
  const select = /** @type {HTMLSelectElement} */ (document.querySelector("#make-code select"));
  const before = select.value;
  select.replaceChildren();
  for (const point of points) select.add(new Option(pick(point.name), point.id));
  if (before) select.value = before;
  table("devices", ["room.point", "admin.device", "admin.created", "admin.seen", "admin.do"],
    devices.map(({ id, point, name, created, seen, revoked }) => [
      point, name, timeText(created, zone, "day"),
      seen ? timeText(seen, zone, "day") : "–",
      revoked
        ? t("admin.revoked")
        : button("admin.revoke", () => remove("/devices/{id}", { id }), t("admin.revoke_sure", { point })),
    ]));
}

export async function loadLogins() {
  const logins = await get("/logins");
  table("logins", ["login.name", "admin.created", "admin.seen", "admin.address", "admin.agent", "admin.do"],
    logins.map(({ id, user, created, seen, address, agent }) => [
      user, timeText(created, zone, "day"), timeText(seen, zone, "day"),
      address, agent.slice(0, AGENT_SHOWN),
      button("admin.end_login", () => remove("/logins/{id}", { id })),
    ]));
}
