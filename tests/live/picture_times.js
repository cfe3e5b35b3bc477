// Notes when pictures come, for figures: milliseconds since 1970, to be compared between pages.
// Runs before the page's own script.
{
  const now = () => performance.timeOrigin + performance.now();
  const stage = () => document.querySelector("#stage");
  const card = (picture) =>
    picture instanceof HTMLCanvasElement
      ? readCard(Object.assign(picture, { videoWidth: picture.width, videoHeight: picture.height, readyState: 4 }))
      : readCard(picture);

  // Joining: from the offer until the tiles and the programme have their first pictures.
  globalThis.joined = { offered: 0, first: 0, all: 0, programme: 0 };
  const offer = RTCPeerConnection.prototype.setLocalDescription;
  RTCPeerConnection.prototype.setLocalDescription = function (...given) {
    const note = (globalThis.joined = { offered: now(), first: 0, all: 0, programme: 0 });
    stage()?.querySelector("video")?.requestVideoFrameCallback(() => { note.programme = now(); });
    const tiles = document.querySelectorAll("#tiles [data-point] video");
    let missing = tiles.length;
    for (const video of tiles) {
      video.requestVideoFrameCallback(() => {
        note.first ||= now();
        missing -= 1;
        if (missing === 0) note.all = now();
      });
    }
    return offer.apply(this, given);
  };

  // Taking: what a page shows of a point once its key is pressed, or its command given.
  globalThis.taken = { key: 0, tally: 0, some: 0, full: 0 };
  addEventListener("keydown", (event) => { globalThis.taken.key ||= performance.timeOrigin + event.timeStamp; }, true);
  globalThis.lookFor = (point, number, name) => {
    const note = (globalThis.taken = { key: 0, tally: 0, some: 0, full: 0 });
    const [video, canvas] = [stage().querySelector("video"), stage().querySelector("canvas")];
    const look = () => {
      if (globalThis.taken !== note) return;
      const { place, of } = stage().dataset;
      if (!note.tally && document.querySelector("#programme-name").textContent.includes(name)) note.tally = now();
      if (!note.some && place === "thumbnail" && of === point && card(canvas) === number) note.some = now();
      if (!note.full || !note.tally) requestAnimationFrame(look);
    };
    const decoded = () => {
      if (globalThis.taken !== note || note.full) return;
      if (stage().dataset.place === "picture" && card(video) === number) {
        note.full = now();
        note.some ||= note.full;
      } else video.requestVideoFrameCallback(decoded);
    };
    requestAnimationFrame(look);
    video.requestVideoFrameCallback(decoded);
  };
}
