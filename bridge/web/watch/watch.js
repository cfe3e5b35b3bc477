// The page of who only watches: the programme, a shared screen, the sound, and a slate where there is
// nothing to see. It looks by itself for what comes next.

/** @import { WatchView } from "../types/protocol.js" */
import { addressOf } from "../common/api.js";
import { byId, elementOf, setText } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { whoami } from "../common/login.js";
import { Refused, errorText } from "../common/refused.js";
import { Sounds } from "../common/sounds.js";
import { zone } from "../common/zone.js";
import { Viewing } from "./whep.js";
import { carried, nextOf, patience, slateText, speakerText, thinText } from "./words.js";

const ID = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const LATER = 0.5; // of a wait: so that a thousand pages do not ask at once
const SOON = 2; // s until the bridge's media is there again
const REFUSED = 20; // s until a page that found no room asks again

const stage = byId("stage");
const programme = elementOf("programme", HTMLVideoElement);
const content = elementOf("content", HTMLVideoElement);
const form = elementOf("code", HTMLFormElement);

/** @type {Viewing | null} */
let viewing = null;
/** @type {WatchView | null} */
let view = null;
/** A sentence that stands on the slate instead of what `view` says. */
let refusal = "";
/** Why the code that was given last does not do. */
let tried = "";
let up = false; // picture and sound arrive
let soundOnly = false; // as whoever watches has chosen
let code = new URLSearchParams(location.hash.slice(1)).get("code") ?? "";
let asking = false; // a login is being asked for
let timer = 0;

await startLanguage(render);
const sounds = new Sounds();
byId("picture-choice").addEventListener("click", choose);
byId("whole").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : byId("watch").requestFullscreen()));
byId("whole").hidden = !document.fullscreenEnabled;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  code = String(new FormData(form).get("code") ?? "").trim();
  tried = "";
  look();
});
addEventListener("pagehide", () => viewing?.stop());
addEventListener("hashchange", () => location.reload());
Object.assign(globalThis, { watching: { get viewing() { return viewing; }, get view() { return view; } } }); // for tests
render();
look();

/** Look again after some seconds. @param {number} seconds */
function again(seconds) {
  clearTimeout(timer);
  timer = setTimeout(look, 1000 * seconds * (1 + LATER * Math.random()));
}

/** What is there to see? @returns {Promise<void>} */
async function look() {
  clearTimeout(timer);
  if (viewing || asking) return;
  try {
    const response = await fetch(addressOf("/watch/{id}", { id: ID }), {
      headers: code ? { Authorization: `Bearer ${code}` } : {},
      signal: AbortSignal.timeout(10000),
    });
    if (!response.ok) throw new Refused(response.status, await response.json().catch(() => null));
    view = carried(view, await response.json());
    refusal = "";
  } catch (error) {
    return refuse(error);
  }
  if (view) await proceed(view);
}

/** @param {WatchView} found */
async function proceed(found) {
  render();
  const next = nextOf(found);
  if (next === "watch") return void (await begin());
  if (next === "login") {
    asking = true;
    await whoami(byId("login"));
    byId("login").replaceChildren();
    asking = false;
    return look();
  }
  again(patience(found));
}

/** The bridge says no, or nothing. @param {unknown} error @returns {Promise<void>} */
async function refuse(error) {
  const status = error instanceof Refused ? error.status : 0;
  if (status === 401 && code) {
    tried = errorText(error);
    code = ""; // it is wrong: ask for another
    return look();
  }
  // Who was shown something until now is told that it was closed, and not that there is nothing.
  refusal = status === 404 && view?.why === "withdrawn" ? "" : errorText(error);
  render();
  const starting = error instanceof Refused && error.problem?.type === "/problems/watch.no_worker";
  if (status !== 401) again(starting ? SOON : status && status !== 404 ? REFUSED : patience(null));
}

/** Begin to watch. */
async function begin() {
  const mine = new Viewing(addressOf("/whep/{id}", { id: ID }), code, !soundOnly, {
    track(slot, track) {
      if (slot === "programme") programme.srcObject = new MediaStream([track]);
      else if (slot === "content") content.srcObject = new MediaStream([track]);
      else sounds.attach(slot, track);
    },
    told(news) {
      view = news;
      render();
    },
    up() {
      up = true;
      render();
    },
    over(why) {
      if (viewing !== mine) return;
      viewing = null;
      up = false;
      programme.srcObject = content.srcObject = null; // no last picture stays
      if (view && why) view = { ...view, why: /** @type {WatchView["why"]} */ (why), phase: why === "ended" ? "ended" : view.phase };
      if (why === "code") code = "";
      refusal = why ? "" : t("watch.reconnecting");
      render();
      again(why ? patience(view) : 1);
    },
  });
  viewing = mine;
  try {
    await mine.begin();
  } catch (error) {
    if (viewing !== mine) return;
    viewing = null;
    refuse(error);
  }
}

/** Sound alone, or the picture too. */
function choose() {
  soundOnly = !soundOnly;
  if (!viewing) return render();
  viewing.stop();
  viewing = null;
  programme.srcObject = content.srcObject = null;
  render();
  begin();
}

function render() {
  const shown = viewing !== null && up && view !== null;
  byId("slate").hidden = shown;
  stage.hidden = !shown;
  const title = view?.title ? pick(view.title) : t("watch.title");
  setText(byId("title"), title);
  document.title = title;
  byId("recording").hidden = !view?.recorded || !shown;
  setText(byId("recording"), t("recording.now"));
  setText(byId("picture-choice"), t(soundOnly ? "watch.with_picture" : "watch.only_sound"));
  programme.setAttribute("aria-label", t("watch.picture"));
  content.setAttribute("aria-label", t("console.content"));
  setText(byId("slate-title"), title);
  const asks = view !== null && nextOf(view) === "code";
  setText(byId("slate-text"), refusal || (asks && tried) || (view ? slateText(view, zone) : t("watch.connecting")));
  form.hidden = shown || !view || view.phase === "ended" || view.admits !== "code" || (view.admitted && Boolean(code));
  if (!shown || !view) return;
  const thin = thinText(view, soundOnly);
  setText(byId("thin"), thin);
  byId("thin").hidden = !thin;
  stage.dataset.picture = thin ? "none" : "all";
  stage.dataset.content = String(view.content && !soundOnly);
  content.hidden = !view.content || soundOnly;
  setText(byId("speaker"), speakerText(view));
}
