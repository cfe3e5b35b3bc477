// The lobby: which conferences can be started, which run, which come and which have ended.

/** @import { LinkPlan, TemplateInfo, TemplateName } from "../types/protocol.js" */
/** @import { Client } from "../common/client.js" */
import { get, post } from "../common/api.js";
import { byId, elementOf, make, makeText, refill } from "../common/dom.js";
import { spanText, timeText } from "../common/format.js";
import { language, pick, t } from "../common/i18n.js";
import { errorText } from "../common/refused.js";
import { AdHoc } from "./ad_hoc.js";
import { plansOf, showPlan } from "./link_plan.js";

const RETRY = 5000; // ms until the lists are asked for again where nothing has answered
const PAST = 10; // conferences looked at for ended ones
const COMING = 5; // conferences to come that are shown

/** What the console shows while no conference is on the desk. */
export class Lobby {
  /**
   * @param {Client} client
   * @param {() => void} changed  the desk or the lobby is to be shown now
   * @param {(text: string) => void} alarm  says what went wrong
   */
  constructor(client, changed, alarm) {
    this.client = client;
    this.changed = changed;
    this.alarm = alarm;
    /** @type {TemplateInfo[]} */
    this.templates = [];
    /** What each would take of the links. @type {Map<string, LinkPlan>} */
    this.plans = new Map();
    this.chosen = 0; // index of the template that a key starts
    this.wanted = false; // while a conference is on the desk: to start another one
    this.adHoc = new AdHoc(client, (conference) => this.watch(conference), alarm);
    const running = elementOf("running", HTMLSelectElement);
    running.addEventListener("change", () => {
      running.blur(); // the keys are the console's again
      if (running.value) this.watch(running.value);
      else {
        this.wanted = true;
        changed();
      }
    });
  }

  get open() {
    return this.client.state.conference === null || this.wanted;
  }

  async load() {
    try {
      this.templates = await get("/templates");
      this.render();
      this.plans = await plansOf(this.templates.map(({ id }) => id));
      this.render();
      const past = await get("/conferences", { limit: PAST });
      const list = byId("past");
      list.replaceChildren();
      for (const item of past.filter((entry) => entry.phase === "ended")) {
        const row = make("li", "", list);
        const at = timeText(item.opened_at, this.client.state.zone, "day");
        makeText("span", "grow", `${at} · ${pick(item.title)}`, row);
        const report = makeText("a", "button", t("console.report"), row);
        report.href = `/report?id=${encodeURIComponent(item.id)}`;
        report.dataset.report = item.id;
      }
      byId("past-title").hidden = !list.childElementCount;
    } catch {
      setTimeout(() => this.load(), RETRY);
    }
  }

  /** Choose the template after the present one, or before. @param {1 | -1} step */
  choose(step) {
    this.chosen = Math.max(0, Math.min(this.chosen + step, this.templates.length - 1));
    this.render();
  }

  /** Open a conference of a template: the trial session, or the conference at once. @param {number} index @param {boolean} start */
  async openTemplate(index, start) {
    const template = this.templates[index];
    if (!template) return;
    try {
      const opened = await post("/conferences", {}, { template: template.id, start });
      this.watch(opened.conference);
    } catch (error) {
      this.alarm(errorText(error));
    }
  }

  /** Put another conference on the desk. @param {string} conference */
  watch(conference) {
    this.wanted = false;
    if (this.client.state.conference?.id !== conference) {
      this.client.connection.send({ type: "watch", conference, last_seq: 0 });
    }
    this.changed();
  }

  render() {
    const { state } = this.client;
    this.adHoc.render();
    byId("templates").replaceChildren(...this.templates.map((info, index) => this.row(info, index)));
    const coming = byId("upcoming");
    coming.replaceChildren();
    for (const item of state.upcoming.slice(0, COMING)) {
      const left = t("room.left", { left: spanText(Math.max(0, item.start - this.client.now)) });
      makeText("li", "", `${timeText(item.start, state.zone, "day")} · ${pick(item.title)} · ${left}`, coming);
    }
  }

  /** @param {TemplateInfo} info @param {number} index */
  row({ id, template }, index) {
    const { state } = this.client;
    const row = make("li", index === this.chosen ? "chosen" : "");
    const points = template.points.length ? template.points : state.points.map((p) => p.id);
    const ready = points.filter((p) => ["ready", "in_session"].includes(state.presence[p] ?? ""));
    makeText("strong", "grow", titleOf(template.title), row);
    const count = { ready: String(ready.length), points: String(points.length) };
    makeText("span", "sub", t("console.ready_points", count), row);
    showPlan(this.plans.get(id), row);
    if (!state.mayDirect) return row;
    const key = index === this.chosen ? " (S)" : "";
    const start = makeText("button", "primary", t("console.start") + key, row);
    start.dataset.start = id;
    start.addEventListener("click", () => this.openTemplate(index, true));
    const trial = makeText("button", "", t("console.open_trial"), row);
    trial.addEventListener("click", () => this.openTemplate(index, false));
    return row;
  }

  /** The list of conferences that run, at the top; its last entry opens another one. */
  renderRunning() {
    const { conference, conferences, mayDirect } = this.client.state;
    const list = elementOf("running", HTMLSelectElement);
    list.hidden = conferences.length === 0;
    byId("bridge").classList.toggle("aside", conferences.length > 0);
    refill(list, [conferences.map((c) => [c.id, c.present]), language()], () => {
      for (const item of conferences) {
        list.add(new Option(`${pick(item.title)} · ${item.present}/${item.points}`, item.id));
      }
      if (mayDirect) list.add(new Option(t("console.another"), ""));
      list.setAttribute("aria-label", t("console.running"));
    });
    list.value = this.wanted ? "" : (conference?.id ?? "");
  }
}

/** @param {TemplateName} title */
const titleOf = (title) => title[language()] ?? title.vi;
