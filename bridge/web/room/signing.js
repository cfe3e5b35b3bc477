// The room's own key, with which it signs its ballots: made in this browser, which never gives the
// private half away. Where the browser has no Ed25519, or the page is no secure context, there is none.

/** @import { VoteView } from "../types/protocol.js" */
import { sessionCall } from "../common/session_call.js";

const DATABASE = "room";
const STORE = "keys";
const NAME = "signing";
const ALGORITHM = "Ed25519";
const PATIENCE = 10000; // ms

/** @param {ArrayBuffer} octets */
const base64 = (octets) => btoa(String.fromCharCode(...new Uint8Array(octets)));

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });

/** @returns {Promise<IDBDatabase>} */
function opened() {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE));
  return done(request);
}

/** The pair that is kept, made where there is none. @returns {Promise<CryptoKeyPair>} */
async function kept() {
  const database = await opened();
  const found = await done(database.transaction(STORE).objectStore(STORE).get(NAME));
  if (found) return found;
  const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]));
  await done(database.transaction(STORE, "readwrite").objectStore(STORE).put(pair, NAME));
  return pair;
}

/**
 * What a room signs, as bridge/conference/ballot_signature.py has it.
 * @param {string} conference
 * @param {Pick<VoteView, "number" | "title" | "kind" | "options">} vote
 * @param {string} voter
 * @param {string} choice
 * @param {number} ballot  which one of this voter's in that vote
 */
export function ballotText(conference, vote, voter, choice, ballot) {
  const option = vote.kind === "choice" ? `option: ${vote.options[Number(choice) - 1]}\n` : "";
  return `diem-cau ballot 1\nconference: ${conference}\nvote: ${vote.number}\ntitle: ${vote.title}\n`
    + `voter: ${voter}\nballot: ${ballot}\nchoice: ${choice}\n${option}`;
}

/** Signs for one room. */
export class Signing {
  constructor() {
    /** @type {Promise<CryptoKeyPair | null>} */
    this.pair = globalThis.crypto?.subtle ? kept().catch(() => null) : Promise.resolve(null);
    this.known = ""; // the session to which the bridge knows the key
  }

  /** The public half in Base64; "" where there is none. */
  async publicKey() {
    const pair = await this.pair;
    return pair ? base64(await crypto.subtle.exportKey("raw", pair.publicKey)) : "";
  }

  /** Tell the bridge the public half, once a session. @param {string} session */
  async introduce(session) {
    const key = await this.publicKey();
    if (!key || !session || this.known === session) return;
    await sessionCall(session, "/room/signing-key", { method: "PUT", body: { key }, patience: PATIENCE });
    this.known = session;
  }

  /**
   * The key and signature of a text; empty where there is no key.
   * @param {string} text
   * @param {string} session
   */
  async sign(text, session) {
    const pair = await this.pair;
    if (!pair) return { key: "", signature: "" };
    await this.introduce(session);
    const signature = await crypto.subtle.sign(ALGORITHM, pair.privateKey, new TextEncoder().encode(text));
    return { key: await this.publicKey(), signature: base64(signature) };
  }
}
