// What a delegate's telephone keeps: the secret that it has made for itself, and the code or link
// that it was made for, so that whatever has to be sent again is the same. Pure but for its store.

const SECRET = "telephone-secret";
const MADE_FOR = "telephone-for";
const OCTETS = 30;

/** @typedef {{kind: "code" | "link" | "", text: string}} Asked  what the address brings */

/** What stands behind the # of an address. @param {string} hash @returns {Asked} */
export function askedBy(hash) {
  const found = /^#(code|link)=([\w~-]{1,300})$/.exec(hash);
  return found ? { kind: /** @type {"code" | "link"} */ (found[1]), text: found[2] ?? "" } : { kind: "", text: "" };
}

/** A new secret: Base64url of random octets. @param {(octets: Uint8Array) => void} fill */
export function madeSecret(fill) {
  const octets = new Uint8Array(OCTETS);
  fill(octets);
  return btoa(String.fromCharCode(...octets)).replaceAll("+", "-").replaceAll("/", "_");
}

export class Keeping {
  /** @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} store @param {(octets: Uint8Array) => void} fill */
  constructor(store, fill) {
    this.store = store;
    this.fill = fill;
  }

  /** The secret that is kept, "" where there is none. */
  get secret() {
    return this.store.getItem(SECRET) ?? "";
  }

  /** The secret for a code or a link: the one that was made for it, otherwise a new one. @param {Asked} asked */
  secretFor({ kind, text }) {
    const what = `${kind} ${text}`;
    if (this.store.getItem(MADE_FOR) !== what || !this.secret) {
      this.store.setItem(SECRET, madeSecret(this.fill));
      this.store.setItem(MADE_FOR, what);
    }
    return this.secret;
  }

  forget() {
    this.store.removeItem(SECRET);
    this.store.removeItem(MADE_FOR);
  }
}
