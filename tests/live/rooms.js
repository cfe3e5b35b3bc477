// Draws a meeting room for each slot, as a picture of the programme, the preview and every tile.
points => {
  const paint = (label, hue) => {
    const canvas = document.createElement("canvas");
    canvas.width = 320; canvas.height = 180;
    const pen = canvas.getContext("2d");
    const draw = () => {
      const wall = pen.createLinearGradient(0, 0, 0, 180);
      wall.addColorStop(0, `hsl(${hue} 22% 62%)`); wall.addColorStop(1, `hsl(${hue} 18% 34%)`);
      pen.fillStyle = wall; pen.fillRect(0, 0, 320, 180);
      pen.fillStyle = "#7a1414"; pen.fillRect(110, 14, 100, 46);
      pen.fillStyle = "#f4d35e"; pen.font = "bold 26px sans-serif"; pen.textAlign = "center";
      pen.fillText("★", 160, 46);
      for (let n = 0; n < 5; n += 1) {
        const x = 45 + n * 58;
        pen.fillStyle = "#1d2733"; pen.beginPath(); pen.ellipse(x, 130, 24, 30, 0, 0, 7); pen.fill();
        pen.fillStyle = "#d9a982"; pen.beginPath(); pen.arc(x, 92, 13, 0, 7); pen.fill();
        pen.fillStyle = "#20150f"; pen.beginPath(); pen.arc(x, 87, 13, 3.3, 6.1); pen.fill();
      }
      pen.fillStyle = "#5b3a22"; pen.fillRect(0, 140, 320, 40);
      pen.fillStyle = "#fff9"; pen.font = "12px sans-serif"; pen.fillText(label, 160, 168);
    };
    draw(); setInterval(draw, 500);
    return canvas.captureStream(5).getVideoTracks()[0];
  };
  const { slots, shown } = room.state;
  for (const slot of slots.video) {
    const point = shown[slot]?.shown;
    if (!point) continue;
    const number = points.indexOf(point);
    room.view.track(slot, paint(point, (number * 47) % 360));
  }
}
