// The metadata of a keras_fld model: a JSON buffer in the flatbuffer's metadata table.

// Field numbers of tflite's schema.fbs.
const MODEL_BUFFERS = 4, MODEL_METADATA = 6, METADATA_NAME = 0, METADATA_BUFFER = 1, BUFFER_DATA = 0;

/** Reads the metadata of a .tflite file, an ArrayBuffer; throws an Error if it has none. */
export function readMetadata(bytes) {
  const view = new DataView(bytes);
  const follow = (place) => place + view.getUint32(place, true);
  // Position of a table's field, or 0 if it is absent.
  const field = (table, number) => {
    const layout = table - view.getInt32(table, true);
    const slot = 4 + 2 * number;
    const offset = slot < view.getUint16(layout, true) ? view.getUint16(layout + slot, true) : 0;
    return offset && table + offset;
  };
  const text = (table, number) => {
    const place = field(table, number);
    if (!place) return "";
    const start = follow(place);
    return new TextDecoder().decode(new Uint8Array(bytes, start + 4, view.getUint32(start, true)));
  };
  const tables = (table, number) => {
    const place = field(table, number);
    if (!place) return [];
    const start = follow(place);
    return Array.from({ length: view.getUint32(start, true) }, (_, i) => follow(start + 4 + 4 * i));
  };
  const model = follow(0);
  const entry = tables(model, MODEL_METADATA).find((t) => text(t, METADATA_NAME) === "keras_fld");
  if (!entry) throw new Error("the model has no keras_fld metadata");
  const place = field(entry, METADATA_BUFFER);
  const buffer = tables(model, MODEL_BUFFERS)[place ? view.getUint32(place, true) : 0];
  return JSON.parse(text(buffer, BUFFER_DATA));
}
