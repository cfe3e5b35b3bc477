// The programme's place in a page: its picture, over it the point's thumbnail until that is there, and
// the slate of a point that sends none. A take is seen in the next frame.

/** @import { PageState } from "./state.js" */
/** @typedef {"picture" | "thumbnail" | "slate" | "none"} Place */
import { make, makeVideo, setText } from "./dom.js";
import { decoded, nothing, placeOf, told } from "./handover.js";
import { pick } from "./i18n.js";
import { streamOf } from "./pictures.js";
import { whyNoPicture } from "./slate.js";
import { loudness, pointOf } from "./state.js";

/** The large picture of a room, or of a console. */
export class Programme {
  /**
   * @param {HTMLElement} stage  gets the elements, before what it holds already
   * @param {string} slot  the slot shown here
   * @param {(point: string) => HTMLVideoElement | null} thumbnail  the live small picture of a point
   */
  constructor(stage, slot, thumbnail) {
    this.stage = stage;
    this.slot = slot;
    this.thumbnail = thumbnail;
    this.seen = nothing;
    /** @type {string | null} */
    this.wanted = null;
    /** @type {Place} */
    this.place = "none";
    this.following = 0; // which thumbnail is drawn; a later one ends an earlier one
    this.slate = make("div", "slate");
    this.name = make("div", "name", this.slate);
    this.why = make("div", "why", this.slate);
    this.bar = make("div", "bar", make("div", "voice", this.slate));
    this.canvas = make("canvas", "picture bridging");
    this.canvas.setAttribute("aria-hidden", "true");
    stage.prepend(this.canvas, this.slate);
    this.video = makeVideo(stage, " ");
    stage.prepend(this.video);
    this.show("none");
    this.watch();
  }

  /** @param {MediaStreamTrack} track @param {boolean} [over]  it takes the place of what plays */
  attach(track, over = false) {
    if (!over) this.seen = nothing;
    this.video.srcObject = streamOf(track, over ? this.video.srcObject : null);
  }

  /** Look at every picture of the slot as it comes on the screen. */
  watch() {
    this.video.requestVideoFrameCallback((_, frame) => {
      this.seen = decoded(this.seen, frame.rtpTimestamp ?? null);
      this.settle();
      this.watch();
    });
  }

  /** @param {PageState} state */
  render(state) {
    const slot = state.shown[this.slot];
    this.wanted = state.conference ? (slot?.wanted ?? null) : null;
    this.seen = told(this.seen, slot?.shown ?? null, slot?.since ?? null);
    this.settle();
    if (this.place !== "slate" || this.wanted === null) return;
    setText(this.name, pick(pointOf(state, this.wanted)?.name));
    setText(this.why, whyNoPicture(state, this.wanted));
    this.renderLevel(state);
  }

  /** The voice of who is not seen. @param {PageState} state */
  renderLevel(state) {
    if (this.place !== "slate" || this.wanted === null) return;
    this.bar.style.transform = `scaleX(${loudness(state.levels[this.wanted])})`;
  }

  settle() {
    const small = this.wanted === null ? null : this.thumbnail(this.wanted);
    const place = placeOf(this.seen, this.wanted, small !== null);
    if (place === "thumbnail" && small && this.stage.dataset.of !== this.wanted) this.follow(small);
    if (place !== "thumbnail") this.following += 1;
    this.stage.dataset.of = place === "thumbnail" ? (this.wanted ?? "") : "";
    if (place !== this.place) this.show(place);
  }

  /** @param {Place} place */
  show(place) {
    this.place = place;
    this.stage.dataset.place = place;
    this.canvas.hidden = place !== "thumbnail";
    this.slate.hidden = place !== "slate";
    this.video.classList.toggle("away", place === "none");
  }

  /** Draw a small picture now, and each later one. @param {HTMLVideoElement} small */
  follow(small) {
    const mine = ++this.following;
    const { canvas } = this;
    const context = canvas.getContext("2d");
    const draw = () => {
      if (mine !== this.following || !context) return;
      canvas.width = small.videoWidth;
      canvas.height = small.videoHeight;
      context.drawImage(small, 0, 0);
      small.requestVideoFrameCallback(draw);
    };
    draw();
  }
}
