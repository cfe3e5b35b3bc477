// Sound that survives a lossy way up: redundant audio (RFC 2198) in which the microphone's packets repeat
// as many earlier frames as their line loses. Browsers repeat one, whatever is lost. Pure.

export const MOST = 3; // earlier frames repeated at most
export const OWN = 1; // so many a browser repeats by itself
// Loss from which one, two and three earlier frames are repeated: what is left of the sound is the loss to
// the power of one more than that, as long as losses do not come in bursts.
const UP = [0.01, 0.05, 0.2];
const DOWN = 0.5; // times these the loss must stay below …
const STEADY = 10; // … for so many seconds, for each step down
// Sound comes before pictures: a voice and what is repeated of it may take this share of what the line
// carries. A voice has some 45 kbit/s with all headers, each repeated frame 40.
const SHARE = 0.75;
const VOICE_RATE = 45_000;
const FRAME_RATE = 40_000;
const MAX_OFFSET = 0x3fff; // timestamp units: 341 ms of Opus
const MAX_LENGTH = 0x3ff; // octets of one earlier frame
const MAX_PAYLOAD = 1100; // octets of a payload: below every MTU, with headers and tag
const FOLLOWS = 0x80; // in the first octet of a header: another block comes after this one
const HEADER = 4; // octets of an earlier frame's header; that of the packet's own frame has one

/**
 * Earlier frames that a line has room for. @param {number} available  bit/s, 0: unknown
 */
export function affordable(available) {
  if (!available) return MOST;
  return Math.min(MOST, Math.max(0, Math.floor((available * SHARE - VOICE_RATE) / FRAME_RATE)));
}

/** How many earlier frames are repeated: more as soon as packets are lost, fewer one by one. */
export class Level {
  constructor() {
    this.value = 0;
    this.since = 0; // when the loss was last too high to repeat less
  }

  /**
   * Note a loss (0–1) at a time in seconds; returns how many are to be repeated.
   * @param {number} loss @param {number} most @param {number} now
   */
  feed(loss, most, now) {
    const wanted = UP.filter((bound) => loss >= bound).length;
    if (wanted >= this.value) {
      this.value = wanted;
      this.since = now;
    } else if (loss >= UP[this.value - 1] * DOWN) {
      this.since = now;
    } else if (now - this.since >= STEADY) {
      this.value -= 1;
      this.since = now;
    }
    return Math.min(this.value, most);
  }
}

/**
 * The frame of a packet of redundant audio, without what it repeats; null where it is none.
 * @param {Uint8Array} payload @param {number} plain  payload type of the sound itself
 */
export function frameOf(payload, plain) {
  let at = 0;
  let earlier = 0;
  while (at < payload.length && payload[at] === (FOLLOWS | plain)) {
    if (at + HEADER >= payload.length) return null;
    earlier += ((payload[at + 2] & 3) << 8) | payload[at + 3];
    at += HEADER;
  }
  if (payload[at] !== plain || at + 1 + earlier >= payload.length) return null;
  return payload.slice(at + 1 + earlier);
}

/** Builds the packets of one microphone. */
export class Repeats {
  constructor() {
    this.red = -1; // payload type of redundant audio
    this.plain = -1; // and of the sound in it
    this.most = OWN;
    /** @type {{timestamp: number, frame: Uint8Array}[]} */
    this.earlier = []; // newest last
  }

  /** @param {{red: number, plain: number, most: number}} settings */
  use({ red, plain, most }) {
    this.red = red;
    this.plain = plain;
    this.most = Math.min(most, MOST);
  }

  /**
   * The payload to be sent instead of a browser's own; null: that one.
   * @param {Uint8Array} payload @param {number} type  its payload type @param {number} timestamp
   */
  packet(payload, type, timestamp) {
    const frame = type === this.red ? frameOf(payload, this.plain) : null;
    const earlier = this.earlier;
    this.earlier = frame ? [...earlier, { timestamp, frame }].slice(-MOST) : [];
    if (!frame || this.most <= OWN) return null;
    let room = MAX_PAYLOAD - 1 - frame.length;
    /** @type {{offset: number, frame: Uint8Array}[]} */
    const kept = [];
    for (const block of earlier.slice(-this.most).reverse()) {
      const offset = (timestamp - block.timestamp) >>> 0;
      const size = block.frame.length;
      if (!offset || offset > MAX_OFFSET || size > MAX_LENGTH || size + HEADER > room) break;
      room -= size + HEADER;
      kept.unshift({ offset, frame: block.frame });
    }
    const built = new Uint8Array(MAX_PAYLOAD - room);
    let at = 0;
    for (const { offset, frame: { length } } of kept) {
      built.set([FOLLOWS | this.plain, offset >> 6, ((offset & 0x3f) << 2) | (length >> 8), length & 0xff], at);
      at += HEADER;
    }
    built[at] = this.plain;
    at += 1;
    for (const block of [...kept, { frame }]) {
      built.set(block.frame, at);
      at += block.frame.length;
    }
    return built;
  }
}
