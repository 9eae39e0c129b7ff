// Landmarks, boxes and the guide on a canvas.

const LINE = "#5adc5a", POINT = "#ffffff", NUMBER = "#ffe63c", BOX = "#4db3ff";

/**
 * Draws one face.
 *
 * @param context a 2D context
 * @param face {box, angle, landmarks} in photograph pixels
 * @param lines runs of landmark indices
 * @param show {lines, points, numbers, box}
 * @param scale canvas pixels to a photograph pixel
 * @param pixel canvas pixels to a pixel of the screen
 */
export function drawFace(context, face, lines, show, scale, pixel) {
  const { box, landmarks } = face;
  // Lines scale with the face, so that both a thumbnail and a poster are readable.
  const unit = Math.max(0.6 * pixel, (Math.max(box[2], box[3]) * scale) / 200);
  // Pixel centers are at whole numbers in landmarks, at halves on a canvas.
  const place = ([x, y]) => [(x + 0.5) * scale, (y + 0.5) * scale];
  if (show.box) drawBox(context, face, scale, unit);
  if (show.lines) {
    context.strokeStyle = LINE;
    context.lineWidth = 1.5 * unit;
    context.lineJoin = "round";
    for (const line of lines) {
      context.beginPath();
      for (const index of line) context.lineTo(...place(landmarks[index]));
      context.stroke();
    }
  }
  landmarks.forEach((point, index) => {
    const [x, y] = place(point);
    if (show.points) {
      context.fillStyle = POINT;
      context.beginPath();
      context.arc(x, y, 1.6 * unit, 0, 2 * Math.PI);
      context.fill();
    }
    if (show.numbers) {
      context.font = `${Math.max(9 * pixel, 6 * unit)}px sans-serif`;
      context.lineWidth = 2 * pixel;
      context.strokeStyle = "#000";
      context.strokeText(index, x + 2 * unit, y - 2 * unit);
      context.fillStyle = NUMBER;
      context.fillText(index, x + 2 * unit, y - 2 * unit);
    }
  });
}

/** A face's box, in photograph pixels, turned as the face is. */
export function drawBox(context, { box: [x, y, width, height], angle }, scale, unit = 1,
  dashed = false) {
  context.save();
  context.strokeStyle = BOX;
  context.lineWidth = 1.5 * unit;
  if (dashed) context.setLineDash([6, 4]);
  context.translate((x + width / 2 + 0.5) * scale, (y + height / 2 + 0.5) * scale);
  context.rotate(angle);
  context.strokeRect((-width / 2) * scale, (-height / 2) * scale, width * scale, height * scale);
  context.restore();
}

/** Draws the outline that shows where to hold a face. */
export function drawGuide(context, points, lines, scale, pixel) {
  context.save();
  context.globalAlpha = 0.8;
  context.setLineDash([6 * pixel, 5 * pixel]);
  context.strokeStyle = "#fff";
  context.lineWidth = 2 * pixel;
  for (const line of lines) {
    context.beginPath();
    for (const index of line) context.lineTo(points[index][0] * scale, points[index][1] * scale);
    context.stroke();
  }
  context.restore();
}
