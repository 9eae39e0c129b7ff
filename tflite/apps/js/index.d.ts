// Coordinates are pixels of the picture; the center of its first pixel is 0, 0.

/** x and y, in pixels. */
export type Point = [x: number, y: number];

/** The tight box around a face's landmarks, in pixels. */
export type Box = [x: number, y: number, width: number, height: number];

/** What a picture can be given as. An image or a video must be loaded. */
export type Source =
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | ImageData
  | VideoFrame;

/** Where a face is. */
export interface Place {
  box: Box;
  /** Radians, clockwise; 0 if left out. `box` is that of the face turned upright. */
  angle?: number;
}

export interface Face extends Required<Place> {
  landmarks: Point[];
  /** The detector's score, from 0 to 1; null for a given box and in a video. */
  score: number | null;
}

/** A face in a frame of a camera or video. */
export interface TrackedFace extends Face {
  /** From 1, the same in every frame; a face that is soon back in the same place keeps its number. */
  id: number;
}

/** What a converted model says about itself. docs/guides/app.md lists the other fields. */
export interface Metadata {
  version: string;
  preset: string | null;
  mode: string;
  /** SPDX identifier of the weights' license. */
  license?: string;
  input: { size: number; margin: number; dtype: string; scale: number; zero_point: number };
  output: { dtype: string; scale: number; zero_point: number };
  mean_shape: Point[];
  /** Where the box of the landmarks is in that of a whole face: left, top, width and height. */
  box_in_face?: [left: number, top: number, width: number, height: number];
  scheme: string | { name: string } | null;
  names?: string[];
  /** Runs of landmark indices that are drawn as lines. */
  lines?: number[][];
  mirror?: number[];
  normalizers?: Record<string, number[][]>;
  [field: string]: unknown;
}

export interface LoadOptions {
  /**
   * URL of the folder with LiteRT's .wasm files: `wasm/` of `@litertjs/core`, served by your site.
   * Needed unless your page has called LiteRT's `loadLiteRt` itself.
   */
  wasm?: string | URL;
  /** Whether to load the face detector; without it, give `boxes` to `detect`. Default: true. */
  detector?: boolean;
}

export interface DetectOptions {
  /** Boxes of faces; without them the detector looks for faces. */
  boxes?: readonly (Readonly<Box> | Place)[];
  /**
   * Largest number of runs of the network for each face; each takes the box from the landmarks of
   * the one before, and is skipped if its crop would show the face alike.
   * Default: 1 for given boxes, 2 for the detector's.
   */
  passes?: number;
}

export class FaceLandmarker {
  private constructor();

  /**
   * Loads a model.
   *
   * @param model URL or bytes of a .tflite file that keras_fld converted
   * @throws Error if a file cannot be fetched, or the model has no metadata of keras_fld
   */
  static load(model: string | URL | ArrayBuffer, options?: LoadOptions): Promise<FaceLandmarker>;

  readonly metadata: Metadata;

  /**
   * Finds the landmarks of the faces in a picture.
   *
   * @returns one face for each given box, in that order, or the detected faces, largest first
   * @throws Error if the picture is not loaded, a box is not valid, or there is neither a detector
   *     nor boxes
   */
  detect(source: Source, options?: DetectOptions): Promise<Face[]>;
}

export interface TrackerOptions {
  /** Number of faces tracked at a time. Default: 8. */
  most?: number;
}

/** Faces through the frames of a camera or a playing video. */
export class FaceTracker {
  constructor(landmarker: FaceLandmarker, options?: TrackerOptions);

  /** The faces in the next frame. The detector runs beside it, so the first frames have none. */
  next(source: Source): Promise<TrackedFace[]>;

  /** Adds the face in a box, which is then tracked until it leaves the picture. */
  add(source: Source, box: Readonly<Box> | Place): Promise<void>;

  /** Forgets all faces, for example before another video. */
  reset(): void;
}

/** Draws a face on a canvas that shows its picture. */
export function drawFace(
  context: CanvasRenderingContext2D,
  face: Required<Place> & { landmarks: Point[] },
  lines: readonly (readonly number[])[],
  show: { lines?: boolean; points?: boolean; numbers?: boolean; box?: boolean },
  /** Canvas pixels to a pixel of the picture. */
  scale: number,
  /** Canvas pixels to a pixel of the screen. */
  pixel: number,
): void;

/** Reads the metadata of a .tflite file; throws an Error if it has none of keras_fld. */
export function readMetadata(bytes: ArrayBuffer): Metadata;
