// A face box drawn with the mouse, a pen or a finger.

const SMALLEST = 8;

/**
 * Watches the pointer on the view.
 *
 * @param view the canvas element
 * @param picture the Picture it shows
 * @param onDrag called with the box so far, in photograph pixels, and with null at the end
 * @param onBox called with the box
 * @param onClick called with the point [x, y] of a press without a drag
 */
export function watchBox(view, picture, onDrag, onBox, onClick) {
  let from = null, box = null;
  const end = () => {
    from = box = null;
    onDrag(null);
  };
  const place = ({ clientX, clientY }) => {
    const { left, top, width, height } = view.getBoundingClientRect();
    return [
      ((clientX - left) / width) * picture.width - 0.5,
      ((clientY - top) / height) * picture.height - 0.5,
    ];
  };
  view.addEventListener("pointerdown", (event) => {
    if (!picture.width || event.button) return;
    from = place(event);
    view.setPointerCapture(event.pointerId);
  });
  view.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [x, y] = place(event);
    box = [Math.min(x, from[0]), Math.min(y, from[1]), Math.abs(x - from[0]), Math.abs(y - from[1])];
    onDrag(box);
  });
  view.addEventListener("pointerup", () => {
    const drawn = box, pressed = from;
    end();
    if (drawn && Math.min(drawn[2], drawn[3]) >= SMALLEST) onBox(drawn);
    else if (pressed) onClick(pressed);
  });
  view.addEventListener("pointercancel", end);
}
