// A delegate's telephone: registers by the code on a room's screen or by a link that is good once,
// then votes with large buttons. What it holds is a secret of its own; nobody logs in.

/** @import { DelegateView, Get, Post, VoteView } from "../types/protocol.js" */
import { byId, elementOf, make, makeText, refill, setText } from "../common/dom.js";
import { language, pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { Refused, errorText } from "../common/refused.js";
import { sessionCall } from "../common/session_call.js";
import { choiceText, countsText, outcomeWord } from "../common/vote.js";
import { Keeping, askedBy } from "./keeping.js";

const LOOK = 3000; // ms between looks at what is to be voted on

const keeping = new Keeping(localStorage, (octets) => crypto.getRandomValues(octets));
let asked = askedBy(location.hash);
/** @type {DelegateView | null} */
let shown = null;
let registering = false;
let pressed = ""; // the choice that is on its way
let problem = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let next;

/**
 * @template {"/delegate" | "/delegate/registration"} P
 * @param {P} path
 * @param {string} bearer
 * @returns {Promise<Get[P]["answer"]>}
 */
async function get(path, bearer) {
  return (await sessionCall(bearer, path)).json();
}

/**
 * @template {"/delegate/registration" | "/delegate/link" | "/delegate/ballot"} P
 * @param {P} path
 * @param {string} bearer
 * @param {Post[P]["body"]} body
 * @returns {Promise<Post[P]["answer"]>}
 */
async function post(path, bearer, body) {
  return (await sessionCall(bearer, path, { method: "POST", body })).json();
}

/** Do something with the bridge, and say what went wrong. @param {() => Promise<void>} work */
async function attempt(work) {
  try {
    await work();
    problem = "";
  } catch (error) {
    problem = errorText(error);
    throw error;
  } finally {
    render();
  }
}

/** Who this telephone is of: by the address that was opened, otherwise by what it keeps. */
async function begin() {
  clearTimeout(next);
  shown = null;
  registering = false;
  if (asked.kind === "link") {
    await attempt(async () => {
      shown = await post("/delegate/link", "", { link: asked.text, secret: keeping.secretFor(asked) });
      arrived();
    });
  } else if (asked.kind === "code" && !(await known())) {
    await attempt(async () => {
      const { title, point } = await get("/delegate/registration", asked.text);
      setText(byId("where"), `${pick(point)} · ${pick(title)}`);
      registering = true;
    });
    return;
  } else if (asked.kind === "" && !keeping.secret) {
    problem = t("delegate.unknown");
    render();
    return;
  }
  look();
}

/** Whether this telephone is registered where the code is of. */
async function known() {
  if (!keeping.secret) return false;
  try {
    shown = await get("/delegate", keeping.secret);
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

/** The address has done what it was for: nobody else is to open it from here. */
function arrived() {
  asked = { kind: "", text: "" };
  registering = false;
  history.replaceState(null, "", location.pathname);
}

async function look() {
  clearTimeout(next);
  try {
    if (!pressed && keeping.secret) {
      const seen = await get("/delegate", keeping.secret);
      if (!pressed) shown = seen;
      problem = "";
    }
  } catch (error) {
    problem = errorText(error);
    if (error instanceof Refused && error.status === 401) shown = null;
  }
  render();
  clearTimeout(next);
  next = setTimeout(look, LOOK);
}

/** @param {VoteView} vote @param {string} choice */
async function choose(vote, choice) {
  if (pressed) return;
  pressed = choice;
  render();
  const ballot = vote.secret ? 0 : vote.ballots + 1;
  await attempt(async () => {
    shown = await post("/delegate/ballot", keeping.secret, { number: vote.number, choice, ballot });
  }).catch(() => {});
  pressed = "";
  render();
}

function render() {
  setText(byId("error"), problem);
  byId("register").hidden = !registering;
  byId("self").hidden = byId("forget").hidden = shown === null;
  byId("vote").hidden = !shown?.vote;
  if (!shown) return;
  setText(byId("where"), `${pick(shown.point)} · ${pick(shown.title)}`);
  setText(byId("self-name"), shown.name);
  setText(byId("self-what"), [shown.position, shown.agency].filter(Boolean).join(" · "));
  const present = byId("self-present");
  present.dataset.present = String(shown.present);
  setText(present, t(shown.present ? "delegate.present" : "delegate.absent"));
  if (shown.vote) renderVote(shown.vote);
}

/** @param {VoteView} vote */
function renderVote(vote) {
  const open = vote.stage === "open";
  const own = Object.values(vote.chosen)[0] ?? "";
  const given = vote.secret && vote.ballots > 0;
  const heading = open ? (vote.secret ? "vote.question_secret" : "vote.question") : "vote.over";
  setText(byId("vote-title"), t(heading, { title: vote.title }));
  const choices = open && !given ? vote.choices : [];
  refill(byId("choices"), [vote.number, choices, own, pressed, language()], () => {
    for (const choice of choices) {
      const button = make("button", "", byId("choices"));
      button.dataset.choice = choice;
      makeText("span", "", choiceText(vote, choice), button);
      button.setAttribute("aria-pressed", String(choice === own));
      button.classList.toggle("asked", choice === pressed);
      button.addEventListener("click", () => choose(vote, choice));
    }
  });
  setText(byId("said"), said(vote, own, given));
}

/** @param {VoteView} vote @param {string} own @param {boolean} given */
function said(vote, own, given) {
  if (vote.stage === "cancelled") return t("vote.cancelled");
  if (vote.result) return `${outcomeWord(vote, vote.result)}\n${countsText(vote, vote.result.counts)}`;
  if (vote.stage === "counting") return t("vote.counting");
  if (given) return t("delegate.secret_given");
  if (own) return t("vote.chosen", { choice: choiceText(vote, own) });
  return t(vote.reminded_at === null ? "delegate.press" : "delegate.reminded");
}

byId("register").addEventListener("submit", (event) => {
  event.preventDefault();
  /** @param {string} id */
  const typed = (id) => elementOf(id, HTMLInputElement).value;
  const words = { name: typed("name"), agency: typed("agency"), position: typed("position") };
  attempt(async () => {
    const body = { ...words, secret: keeping.secretFor(asked) };
    shown = await post("/delegate/registration", asked.text, body);
    arrived();
    look();
  }).catch(() => {});
});
byId("forget").addEventListener("click", () => {
  if (!confirm(t("delegate.forget_sure"))) return;
  clearTimeout(next);
  keeping.forget();
  shown = null;
  problem = t("delegate.unknown");
  render();
});
window.addEventListener("hashchange", () => {
  if (!location.hash) return;
  asked = askedBy(location.hash);
  begin().catch(() => {});
});

await startLanguage(render);
document.title = t("delegate.title");
begin().catch(() => {});
