// Who is at this desk: a computer with a device key (a citizens' desk, or an officer's own), or an
// officer who logs in.

/** @import { Me, SessionBody } from "../types/protocol.js" */
import { byId, make, makeText } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { whoami } from "../common/login.js";
import { identify } from "../room/identity.js";

const known = () => Boolean(localStorage.getItem("key")) || /(^#|&)(key|code)=/.test(location.hash);

/** Resolve with what opens this page's session. @returns {Promise<SessionBody>} */
export async function whoSits() {
  if (known()) return identify();
  const login = byId("login");
  login.hidden = false;
  const person = whoami(login).then((me) => chosen(me, login));
  const who = await Promise.race([identify(), person]);
  login.hidden = true;
  return who;
}

/** @param {Me} me @param {HTMLElement} place @returns {Promise<SessionBody>} */
function chosen(me, place) {
  byId("join").hidden = true;
  if (me.points.length === 1 && me.role === "officer") return Promise.resolve(at(me.points[0]));
  const card = make("div", "card", place);
  makeText("h2", "", t(me.points.length && me.role === "officer" ? "desk.which" : "desk.no_officer"), card);
  return new Promise((resolve) => {
    for (const point of me.role === "officer" ? me.points : []) {
      makeText("button", "", point, card).addEventListener("click", () => resolve(at(point)));
    }
  });
}

/** @param {string} point @returns {SessionBody} */
const at = (point) => ({ point });
