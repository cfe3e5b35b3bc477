// The operators' calendar: bookings of the next weeks, and changes of a single one. What a new time
// would meet is shown while it is typed; the bridge checks what is saved.

/** @import { BookingView, Calendar, Clash } from "../types/protocol.js" */
import { addressOf, get, post } from "../common/api.js";
import { confirmed } from "../common/dialog.js";
import { byId, elementOf, make, makeText } from "../common/dom.js";
import { timeText } from "../common/format.js";
import { language, pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { whoami } from "../common/login.js";
import { errorText } from "../common/refused.js";
import { planLines } from "../console/link_plan.js";
import { fieldOf, wallOf } from "./times.js";

const PAUSE = 300; // ms after the last key until it is asked what a time would meet

/** @type {Calendar} */
let shown = { bookings: [], names: {} };
/** What the form is for. @type {{booking: BookingView, action: "move" | "repeat"} | null} */
let open = null;
let timer = 0;

const form = elementOf("form", HTMLFormElement);
/** @param {string} name */
const field = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

await startLanguage(() => render());
const me = await whoami(byId("login"));
if (me.rights.includes("direct")) await start();
else byId("error").textContent = t("account.no_right");

async function start() {
  byId("bookings").hidden = false;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(meet, PAUSE);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  byId("form-close").addEventListener("click", () => close());
  await attempt(async () => void (shown = await get("/calendar")));
}

/** @param {BookingView} booking @param {"cancel" | "move" | "restore" | "repeat"} action @param {{start: string, minutes: number}} [to] */
const change = (booking, action, to) =>
  attempt(async () => {
    shown = await post("/calendar/{id}", { id: booking.template }, { action, day: booking.day, ...to });
    close();
    byId("done").textContent = t("calendar.saved");
  });

function save() {
  if (!open) return;
  change(open.booking, open.action, { start: wallOf(field("start").value), minutes: Number(field("minutes").value) });
}

function close() {
  open = null;
  form.hidden = true;
}

/** @param {BookingView} booking @param {"move" | "repeat"} action */
function edit(booking, action) {
  open = { booking, action };
  form.hidden = false;
  const title = pick(booking.title);
  const day = timeText(booking.start, me.zone, "day");
  byId("form-title").textContent = t(action === "move" ? "calendar.move_of" : "calendar.repeat_of", { title, day });
  field("start").value = fieldOf(booking.start, me.zone);
  field("minutes").value = String(Math.round((booking.end - booking.start) / 60));
  field("start").focus();
  meet();
}

/** @param {Clash} clash */
function clashText({ title, start: at, points }) {
  const names = points.map((point) => pick(shown.names[point]) || point).join(", ");
  return t("calendar.clash", { title: pick(title), at: timeText(at, me.zone, "day"), points: names });
}

/** Show what the time in the form would meet. */
async function meet() {
  const asked = open;
  const list = byId("meets");
  const start = field("start").value;
  if (!asked || !start) return;
  const minutes = Number(field("minutes").value) || 0;
  const day = asked.action === "move" ? asked.booking.day : "";
  try {
    const found = await get("/calendar/{id}/check", { id: asked.booking.template, day, start: wallOf(start), minutes });
    if (open !== asked || start !== field("start").value) return;
    list.replaceChildren();
    for (const clash of found.clashes) makeText("li", "warn", clashText(clash), list);
    if (!found.clashes.length) makeText("li", "good", t("calendar.no_clash"), list);
    for (const { text, level } of planLines(found.plan)) makeText("li", level, text, list);
  } catch (error) {
    list.replaceChildren();
    makeText("li", "bad", errorText(error), list);
  }
}

function render() {
  const root = byId("bookings");
  root.replaceChildren();
  if (!shown.bookings.length) makeText("p", "muted", t("calendar.none"), root);
  let day = "";
  /** @type {HTMLElement} */
  let list = root;
  for (const booking of shown.bookings) {
    const on = fieldOf(booking.start, me.zone).slice(0, 10);
    if (on !== day) {
      day = on;
      const name = new Intl.DateTimeFormat(language(), { timeZone: me.zone, dateStyle: "full" }).format(booking.start * 1000);
      makeText("h2", "", name, root);
      list = make("ul", "", root);
    }
    row(booking, list);
  }
}

/** @param {BookingView} booking @param {HTMLElement} list */
function row(booking, list) {
  const item = make("li", "", list);
  item.dataset.state = booking.state;
  item.dataset.booking = `${booking.template} ${booking.day}`;
  const head = make("div", "head", item);
  const [from, to] = [booking.start, booking.end].map((at) => fieldOf(at, me.zone).slice(11));
  makeText("span", "when", `${from}–${to}`, head);
  makeText("strong", "", pick(booking.title), head);
  makeText("span", "muted", t("calendar.points", { count: String(booking.points.length), items: String(booking.items) }), head);
  if (booking.state !== "planned") makeText("span", "warn", t(`calendar.state_${booking.state}`), head);
  if (booking.opened) makeText("span", "good", t("calendar.opened_already"), head);
  for (const clash of booking.clashes) makeText("div", "warn", clashText(clash), item);
  const buttons = make("div", "row", item);
  /** @param {string} key @param {() => void} work @param {string} [look] */
  const button = (key, work, look = "") => {
    if (!me.rights.includes("templates")) return;
    const made = makeText("button", look, t(key), buttons);
    made.dataset.action = key.slice("calendar.".length);
    made.setAttribute("aria-label", `${t(key)}: ${pick(booking.title)} ${timeText(booking.start, me.zone, "day")}`);
    made.addEventListener("click", work);
  };
  if (booking.state === "cancelled") return button("calendar.restore", () => change(booking, "restore"));
  if (!booking.opened) {
    button("calendar.move", () => edit(booking, "move"));
    if (booking.state === "moved") button("calendar.restore_time", () => change(booking, "restore"));
    button(booking.state === "extra" ? "calendar.drop_extra" : "calendar.cancel", () => cancel(booking), "danger");
  }
  button("calendar.repeat", () => edit(booking, "repeat"));
  for (const [key, path] of [["calendar.ics", "/calendar/{id}/invitation.ics"], ["calendar.notice", "/calendar/{id}/notice.pdf"]]) {
    const link = makeText("a", "button", t(key), buttons);
    link.href = addressOf(path, { id: booking.template, day: booking.day, language: language() });
  }
}

/** @param {BookingView} booking */
async function cancel(booking) {
  const at = timeText(booking.start, me.zone, "day");
  if (await confirmed(t("calendar.cancel_sure", { title: pick(booking.title), at }), t("calendar.cancel"))) change(booking, "cancel");
}

/** @param {() => Promise<void>} work */
async function attempt(work) {
  byId("error").textContent = "";
  byId("done").textContent = "";
  try {
    await work();
    render();
  } catch (error) {
    byId("error").textContent = errorText(error);
    byId("error").scrollIntoView({ block: "nearest" });
  }
}
