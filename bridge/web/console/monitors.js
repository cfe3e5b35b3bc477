// The two large pictures, preview and programme, with what stands over and under each of them; and a
// shared screen.

/** @import { PageState } from "../common/state.js" */
/** @import { Pictures } from "../common/pictures.js" */
import { byId, makeVideo, setText } from "../common/dom.js";
import { pick, t } from "../common/i18n.js";
import { makeMeter, setMeter } from "../common/meter.js";
import { show } from "../common/pictures.js";
import { Programme } from "../common/programme.js";
import { whyNoPicture } from "../common/slate.js";
import { pointOf, shownIn } from "../common/state.js";

/** Preview on the left, programme on the right. */
export class Monitors {
  /**
   * @param {Pictures} pictures
   * @param {(point: string) => HTMLVideoElement | null} thumbnail  the live small picture of a point
   */
  constructor(pictures, thumbnail) {
    this.pictures = pictures;
    this.preview = picture("preview-stage");
    this.programme = new Programme(byId("stage"), "programme", thumbnail);
    this.content = picture("content-stage");
    this.meters = { preview: makeMeter(byId("preview-meter"), true), programme: makeMeter(byId("programme-meter"), true) };
  }

  /** The programme's slot has a picture. @param {MediaStreamTrack} track @param {boolean} over */
  attach(track, over) {
    this.programme.attach(track, over);
  }

  /** @param {PageState} state */
  render(state) {
    const { conference } = state;
    if (!conference) return;
    const { on_air, preview, content } = conference;
    const onAir = pick(pointOf(state, on_air)?.name);
    const next = pick(pointOf(state, preview)?.name);
    setText(byId("programme-name"), onAir);
    setText(byId("preview-name"), next);
    this.programme.render(state);
    this.programme.video.setAttribute("aria-label", t("console.programme_picture"));
    this.preview.setAttribute("aria-label", t("console.preview_picture"));
    this.content.setAttribute("aria-label", t("console.content"));
    this.put(preview, state);
    byId("preview-stage").classList.toggle("nothing", preview === null);
    microphone(byId("programme-microphone"), conference.seats[on_air]);
    microphone(byId("preview-microphone"), conference.seats[preview ?? ""]);
    show(this.content, this.pictures.of("content"));
    byId("content-box").hidden = content === null;
    // For who does not see the frames: one sentence whenever one of the two has changed.
    setText(byId("tally"), next ? t("console.tally", { onAir, next }) : t("console.tally_only", { onAir }));
  }

  /** The preview's picture, or why there is none. @param {string | null} point @param {PageState} state */
  put(point, state) {
    const video = this.preview;
    show(video, this.pictures.of("preview"));
    const shown = shownIn(state, "preview");
    const slate = point === null || shown === point ? "" : `${pick(pointOf(state, point)?.name)}\n${whyNoPicture(state, point)}`;
    video.classList.toggle("none", point === null || shown === null);
    const text = video.parentElement?.querySelector(".absent");
    if (!(text instanceof HTMLElement)) return;
    setText(text, slate || (point === null ? t("slate.nothing") : ""));
    text.classList.toggle("shown", slate !== "" || point === null);
  }

  /** @param {PageState} state */
  renderLevels(state) {
    const { conference, levels } = state;
    this.programme.renderLevel(state);
    setMeter(this.meters.programme, levels[conference?.on_air ?? ""]);
    setMeter(this.meters.preview, levels[conference?.preview ?? ""]);
  }
}

/** @param {string} place */
function picture(place) {
  const video = makeVideo(byId(place), " ");
  byId(place).prepend(video);
  return video;
}

/** Whether a point is heard. @param {HTMLElement} mark @param {import("../types/protocol.js").SeatView | undefined} seat */
function microphone(mark, seat) {
  const open = seat?.microphone === true && seat.voice === "live";
  mark.hidden = !seat;
  mark.dataset.icon = seat?.locked ? "locked" : open ? "microphone" : "muted";
  mark.classList.toggle("open", open);
  setText(mark, seat ? t(open ? "tile.microphone_open" : seat.microphone ? "tile.microphone_unheard" : "tile.microphone_closed") : "");
}
