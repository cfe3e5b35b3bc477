// The page of who only watches: the programme, a shared screen, the sound, and a slate where there is
// nothing to see. It looks by itself for what comes next.

/** @import { WatchView } from "../types/protocol.js" */
import { addressOf } from "../common/api.js";
import { byId, elementOf, setText } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { startLanguage } from "../common/language.js";
import { whoami } from "../common/login.js";
import { Refused, accepted, errorText } from "../common/refused.js";
import { Sounds } from "../common/sounds.js";
import { zone } from "../common/zone.js";
import { Delayed } from "./delayed.js";
import { Viewing } from "./whep.js";
import { carried, nextOf, noteText, patience, slateText, speakerText, thinText, voteText } from "./words.js";

const ID = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const LATER = 0.5; // of a wait: so that a thousand pages do not ask at once
const SOON = 2; // s until the bridge's media is there again
const CONNECTS = 15000; // ms that picture and sound may take to come by UDP
const PASSES = 8000; // and where there is another way
const REFUSED = 20; // s until a page that found no room asks again

const stage = byId("stage");
const programme = elementOf("programme", HTMLVideoElement);
const content = elementOf("content", HTMLVideoElement);
const form = elementOf("code", HTMLFormElement);

/** @type {Viewing | Delayed | null} */
let viewing = null;
/** @type {WatchView | null} */
let view = null;
/** A sentence that stands on the slate instead of what `view` says. */
let refusal = "";
/** Why the code that was given last does not do. */
let tried = "";
let up = false; // picture and sound arrive
let soundOnly = false; // as whoever watches has chosen
let delayed = !("RTCPeerConnection" in window); // over HTTP
let fell = false; // and not as whoever watches has chosen
let code = new URLSearchParams(location.hash.slice(1)).get("code") ?? "";
let asking = false; // a login is being asked for
let timer = 0;

await startLanguage(render);
const sounds = new Sounds();
byId("picture-choice").addEventListener("click", choose);
byId("way").addEventListener("click", changeWay);
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
    const response = await accepted(await fetch(addressOf("/watch/{id}", { id: ID }), {
      headers: code ? { Authorization: `Bearer ${code}` } : {},
      signal: AbortSignal.timeout(10000),
    }));
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
  /** @type {Viewing["handlers"]} */
  const handlers = {
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
      const passed = up || why !== "" || mine instanceof Delayed || !view?.hls;
      leave();
      if (!passed) {
        delayed = fell = true;
        return void begin();
      }
      if (view && why) view = { ...view, why: /** @type {WatchView["why"]} */ (why), phase: why === "ended" ? "ended" : view.phase };
      if (why === "code") code = "";
      refusal = why ? "" : t("watch.reconnecting");
      render();
      again(why ? patience(view) : 1);
    },
  };
  /** @type {Viewing | Delayed} */
  const mine = delayed
    ? new Delayed(addressOf("/hls/{id}", { id: ID }), code, programme, handlers)
    : new Viewing(addressOf("/whep/{id}", { id: ID }), code, !soundOnly, view?.hls ? PASSES : CONNECTS, handlers);
  viewing = mine;
  render();
  if (mine instanceof Delayed) sounds.attachVideo(programme);
  try {
    await mine.begin();
  } catch (error) {
    if (viewing !== mine) return;
    leave();
    if (delayed && error instanceof Refused && error.problem?.type === "/problems/watch.no_hls") delayed = fell = false;
    refuse(error);
  }
}

/** Nothing is watched now, and no last picture stays. */
function leave() {
  viewing?.stop();
  viewing = null;
  up = false;
  programme.srcObject = content.srcObject = null;
  sounds.releaseVideo(programme);
}

/** Over HTTP, or without delay. */
function changeWay() {
  delayed = !delayed;
  fell = false;
  leave();
  render();
  begin();
}

/** Sound alone, or the picture too. */
function choose() {
  soundOnly = !soundOnly;
  if (!viewing) return render();
  leave();
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
  setText(byId("item"), view?.item ?? "");
  byId("recording").hidden = !view?.recorded || !shown;
  setText(byId("recording"), t("recording.now"));
  setText(byId("picture-choice"), t(soundOnly ? "watch.with_picture" : "watch.only_sound"));
  byId("picture-choice").hidden = delayed;
  byId("way").hidden = !view?.hls || !viewing;
  setText(byId("way"), t(delayed ? "watch.directly" : "watch.over_http"));
  programme.setAttribute("aria-label", t("watch.picture"));
  content.setAttribute("aria-label", t("console.content"));
  setText(byId("slate-title"), title);
  const asks = view !== null && nextOf(view) === "code";
  setText(byId("slate-text"), refusal || (asks && tried) || (view ? slateText(view, zone, delayed) : t("watch.connecting")));
  form.hidden = shown || !view || view.phase === "ended" || view.admits !== "code" || (view.admitted && Boolean(code));
  if (!shown || !view) return;
  const thin = delayed ? "" : thinText(view, soundOnly);
  setText(byId("thin"), thin);
  byId("thin").hidden = !thin;
  stage.dataset.picture = thin ? "none" : "all";
  const shares = view.content && !soundOnly && !delayed; // over HTTP there is one picture
  stage.dataset.content = String(shares);
  content.hidden = !shares;
  setText(byId("note"), noteText(delayed, fell));
  setText(byId("speaker"), speakerText(view));
  setText(byId("vote"), voteText(view));
  byId("vote").hidden = !voteText(view);
}
