// Takes a room's devices away, one by one, and gives them back; injected by the browser tests.
globalThis.devices = { video: "", audio: "", live: { video: [], audio: [] } };
{
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const silence = () => {
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    new ConstantSourceNode(context, { offset: 0 }).connect(out);
    return out.stream;
  };
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = new MediaStream();
    for (const kind of ["video", "audio"]) {
      if (!wanted[kind]) continue;
      const fault = devices[kind];
      // As browsers do: a question for both is answered with neither where one is missing.
      if (fault && fault !== "silent") throw new DOMException(fault, fault);
      const given = fault ? silence() : await real({ [kind]: wanted[kind] });
      for (const track of given.getTracks()) {
        stream.addTrack(track);
        devices.live[kind].push(track);
      }
    }
    return stream;
  };
}
// Pull a device out: "NotFoundError" and so on; or plug it in again with "".
globalThis.plug = (kind, fault) => {
  devices[kind] = fault;
  for (const track of fault ? devices.live[kind].splice(0) : []) {
    track.stop();
    track.dispatchEvent(new Event("ended"));
  }
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
};
