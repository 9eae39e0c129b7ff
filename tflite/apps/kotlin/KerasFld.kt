// Faces and their landmarks in pictures and videos: the pipeline around the networks of keras_fld.
//
// One file of Kotlin (1.3 or later) without Android classes. The networks run in LiteRT's
// InterpreterApi or anything else: two lambdas take the input and return the outputs (see README.md).
// Names and results are those of the Python package, which golden.json checks.
//
// Pixel centers are at whole numbers. A matrix is the rows of a 2x3 matrix. Angles are in radians,
// clockwise; the box of a rotated face is the box of the face after rotating it upright about the box's
// center.
//
// License: Apache-2.0, that of keras_fld and of the detector's network files, which are Google's.
package kerasfld

import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.atan2
import kotlin.math.ceil
import kotlin.math.cos
import kotlin.math.exp
import kotlin.math.floor
import kotlin.math.hypot
import kotlin.math.ln
import kotlin.math.log2
import kotlin.math.max
import kotlin.math.min
import kotlin.math.pow
import kotlin.math.sin
import kotlin.math.sqrt

/** An RGB picture: rows from the top, three bytes for each pixel. */
class Image(val width: Int, val height: Int, val data: ByteArray = ByteArray(width * height * 3)) {
    init {
        require(width > 0 && height > 0 && data.size == width * height * 3) {
            "an image must have width * height * 3 bytes, at least one pixel"
        }
    }

    fun at(x: Int, y: Int) = 3 * (y * width + x)

    operator fun get(i: Int) = data[i].toInt() and 255
}

data class Point(val x: Double, val y: Double)

data class Box(val x: Double, val y: Double, val width: Double, val height: Double) {
    val center get() = Point(x + width / 2, y + height / 2)
    val longer get() = max(width, height)
}

/** The rows a b c and d e f. */
data class Matrix(val a: Double, val b: Double, val c: Double, val d: Double, val e: Double, val f: Double)

/** As Python's round: halves to the even neighbor. */
private fun roundEven(value: Double) = Math.rint(value).toInt()

private fun clip(value: Int) = value.coerceIn(0, 255).toByte()

// ---------------------------------------------------------------------------------- camera frames

/**
 * RGB of a camera's YUV 4:2:0 frame with 8 bits (BT.601).
 *
 * An ImageProxy of CameraX or an android.media.Image gives all arguments: copy the buffers of its three
 * planes to arrays, and pass their rowStride and pixelStride.
 *
 * @param uAt place of the first U in `u`; `vAt` likewise
 * @param fullRange whether Y is from 0 to 255, as from Android's cameras; otherwise from 16 to 235, as
 *     in most videos
 */
fun yuv420ToRgb(
    y: ByteArray, yStride: Int, u: ByteArray, uAt: Int, v: ByteArray, vAt: Int, uvStride: Int, uvPixelStride: Int,
    width: Int, height: Int, fullRange: Boolean = true
): Image {
    val image = Image(width, height)
    var out = 0
    for (row in 0 until height) for (column in 0 until width) {
        val at = row / 2 * uvStride + column / 2 * uvPixelStride
        val luma = y[row * yStride + column].toInt() and 255
        val cb = (u[uAt + at].toInt() and 255) - 128
        val cr = (v[vAt + at].toInt() and 255) - 128
        // OpenCV's integers, so that the bytes are those of Python.
        if (fullRange) {
            image.data[out++] = clip(luma + ((22987 * cr + 8192) shr 14))
            image.data[out++] = clip(luma + ((-5636 * cb - 11698 * cr + 8192) shr 14))
            image.data[out++] = clip(luma + ((29049 * cb + 8192) shr 14))
        } else {
            val base = max(0, luma - 16) * 1220542 + (1 shl 19)
            image.data[out++] = clip((base + 1673527 * cr) shr 20)
            image.data[out++] = clip((base - 852492 * cr - 409993 * cb) shr 20)
            image.data[out++] = clip((base + 2116026 * cb) shr 20)
        }
    }
    return image
}

/** RGB of an NV21 frame without padding: Y of all pixels, then V and U of each 2x2 pixels. */
fun nv21ToRgb(nv21: ByteArray, width: Int, height: Int, fullRange: Boolean = true): Image {
    val v = width * height
    return yuv420ToRgb(nv21, width, nv21, v + 1, nv21, v, (width + 1) / 2 * 2, 2, width, height, fullRange)
}

/** RGB of colors as Android's Bitmap.getPixels gives them. */
fun argbToRgb(pixels: IntArray, width: Int, height: Int): Image {
    val image = Image(width, height)
    for (i in 0 until width * height) for (k in 0..2) image.data[3 * i + k] = (pixels[i] shr (16 - 8 * k)).toByte()
    return image
}

/** The matrix from a sensor's pixels to those of `turned`. */
fun turnMatrix(width: Int, height: Int, degrees: Int, mirrored: Boolean = false): Matrix {
    require(degrees % 90 == 0) { "degrees must be 0, 90, 180 or 270. Got: $degrees" }
    val right = width - 1.0
    val bottom = height - 1.0
    val quarter = Math.floorMod(degrees / 90, 4)
    val m = when (quarter) {
        0 -> Matrix(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
        1 -> Matrix(0.0, -1.0, bottom, 1.0, 0.0, 0.0)
        2 -> Matrix(-1.0, 0.0, right, 0.0, -1.0, bottom)
        else -> Matrix(0.0, 1.0, 0.0, -1.0, 0.0, right)
    }
    val end = if (quarter % 2 == 1) bottom else right
    return if (mirrored) Matrix(-m.a, -m.b, end - m.c, m.d, m.e, m.f) else m
}

/** A sensor's picture turned clockwise by 0, 90, 180 or 270 degrees, then mirrored if asked. */
fun turned(image: Image, degrees: Int, mirrored: Boolean = false): Image {
    val m = turnMatrix(image.width, image.height, degrees, mirrored)
    val sideways = m.a == 0.0
    val out = Image(if (sideways) image.height else image.width, if (sideways) image.width else image.height)
    for (y in 0 until image.height) for (x in 0 until image.width) {
        val to = transform(Point(x.toDouble(), y.toDouble()), m)
        System.arraycopy(image.data, image.at(x, y), out.data, out.at(to.x.toInt(), to.y.toInt()), 3)
    }
    return out
}

// -------------------------------------------------------------------------------------- geometry

fun transform(p: Point, m: Matrix) = Point(m.a * p.x + m.b * p.y + m.c, m.d * p.x + m.e * p.y + m.f)

/** The matrix of the way back. */
fun invert(m: Matrix): Matrix {
    val det = m.a * m.e - m.b * m.d
    val a = m.e / det
    val b = -m.b / det
    val c = -m.d / det
    val d = m.a / det
    return Matrix(a, b, -(a * m.c + b * m.f), c, d, -(c * m.c + d * m.f))
}

/** The matrix that applies `before`, then `after`. */
fun compose(after: Matrix, before: Matrix): Matrix {
    val (a, b, c, d, e, f) = after
    val (p, q, r, s, t, u) = before
    return Matrix(
        a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f)
}

/** The matrix that rotates about 0, 0. */
fun rotation(angle: Double) = Matrix(cos(angle), -sin(angle), 0.0, sin(angle), cos(angle), 0.0)

fun boxAround(middle: Point, width: Double, height: Double) =
    Box(middle.x - width / 2, middle.y - height / 2, width, height)

/** Intersection over union of two boxes. */
fun overlap(a: Box, b: Box): Double {
    val across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    val down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    val common = max(0.0, across) * max(0.0, down)
    return common / (a.width * a.height + b.width * b.height - common)
}

/** The share of a box's area that another box covers. */
fun covered(box: Box, by: Box): Double {
    val across = min(box.x + box.width, by.x + by.width) - max(box.x, by.x)
    val down = min(box.y + box.height, by.y + by.height) - max(box.y, by.y)
    return max(0.0, across) * max(0.0, down) / (box.width * box.height)
}

/** Pairs boxes with others, the largest overlap first; each is used at most once. */
fun pairs(boxes: List<Box>, others: List<Box>, least: Double): List<Pair<Int, Int>> {
    val all = boxes.indices.flatMap { i -> others.indices.map { k -> Pair(i, k) } }
        .filter { (i, k) -> overlap(boxes[i], others[k]) >= least }
        .sortedByDescending { (i, k) -> overlap(boxes[i], others[k]) }
    val found = ArrayList<Pair<Int, Int>>()
    for (pair in all) if (found.none { it.first == pair.first || it.second == pair.second }) found.add(pair)
    return found
}

/** The indices of boxes on the same face as an earlier one. */
fun doubled(boxes: List<Box>): Set<Int> =
    boxes.indices.filter { i -> boxes.take(i).any { overlap(it, boxes[i]) >= 0.6 } }.toSet()

// The library's own min and max of a list changed between releases of Kotlin.
private fun least(values: List<Double>) = values.reduce { a, b -> min(a, b) }

private fun most(values: List<Double>) = values.reduce { a, b -> max(a, b) }

/** The tight box around landmarks of a face rotated by an angle. */
fun uprightBox(points: List<Point>, angle: Double): Box {
    val toPhoto = rotation(angle)
    val back = invert(toPhoto)
    val upright = points.map { transform(it, back) }
    val x = least(upright.map { it.x })
    val y = least(upright.map { it.y })
    val width = max(most(upright.map { it.x }) - x, 1e-6)
    val height = max(most(upright.map { it.y }) - y, 1e-6)
    return boxAround(transform(Point(x + width / 2, y + height / 2), toPhoto), width, height)
}

/** The least-squares similarity between two sets of points. */
fun similarity(points: List<Point>, onto: List<Point>): Matrix {
    val a = Point(points.map { it.x }.average(), points.map { it.y }.average())
    val b = Point(onto.map { it.x }.average(), onto.map { it.y }.average())
    var real = 0.0
    var imaginary = 0.0
    var norm = 0.0
    for (i in points.indices) {
        val px = points[i].x - a.x
        val py = points[i].y - a.y
        val qx = onto[i].x - b.x
        val qy = onto[i].y - b.y
        real += px * qx + py * qy
        imaginary += px * qy - py * qx
        norm += px * px + py * py
    }
    real /= norm
    imaginary /= norm
    return Matrix(
        real, -imaginary, b.x - (real * a.x - imaginary * a.y), imaginary, real, b.y - (imaginary * a.x + real * a.y))
}

/** The size and margin of the square crop that a network sees; both are in the file's metadata. */
data class FaceCrop(val size: Int, val margin: Double) {
    /** The matrix from the picture to the crop that shows the face upright. */
    fun matrix(box: Box, angle: Double = 0.0): Matrix {
        require(box.width > 0 && box.height > 0 && !(box.x + box.y + box.width + box.height).isNaN()) {
            "a box must be x, y, width, height with a positive size"
        }
        val scale = size / (margin * box.longer)
        val middle = (size - 1) / 2.0
        val c = scale * cos(angle)
        val s = scale * sin(angle)
        val (x, y) = box.center
        return Matrix(c, s, middle - (c * x + s * y), -s, c, middle - (c * y - s * x))
    }
}

// --------------------------------------------------------------------------------------- pictures

/** Along one axis of a reduced picture: the old pixels that each new one covers, and by how much. */
private class Coverage(size: Int, newSize: Int, whole: Boolean) {
    val starts = IntArray(newSize + 1)
    val places: IntArray
    val shares: FloatArray

    init {
        val factor = size.toDouble() / newSize
        val found = ArrayList<Pair<Int, Float>>()
        for (i in 0 until newSize) {
            val low = i * factor
            val high = min(low + factor, size.toDouble())
            var k = low.toInt()
            while (k < high - 1e-6) {
                val part = (min(k + 1.0, high) - max(k.toDouble(), low)) / (high - low)
                found.add(Pair(k++, if (whole) 1f else part.toFloat()))
            }
            starts[i + 1] = found.size
        }
        places = IntArray(found.size) { found[it].first }
        shares = FloatArray(found.size) { found[it].second }
    }
}

/** Means of 2 by 2 pixels. The last row or column of an odd number is dropped. */
private fun halved(image: Image): Image {
    val out = Image(image.width / 2, image.height / 2)
    for (v in 0 until out.height) for (u in 0 until out.width) {
        val upper = image.at(2 * u, 2 * v)
        val lower = image.at(2 * u, 2 * v + 1)
        for (k in 0..2) {
            val sum = image[upper + k] + image[upper + 3 + k] + image[lower + k] + image[lower + 3 + k]
            out.data[out.at(u, v) + k] = ((sum + 2) shr 2).toByte()
        }
    }
    return out
}

/** Area averaging: each new pixel is the mean of what it covers, in float32 as OpenCV has it. */
private fun reduce(image: Image, width: Int, height: Int): Image {
    // Halved first, which is faster, where all pixels have a neighbor.
    val even = image.width % 2 == 0 && image.height % 2 == 0
    if (even && image.width >= 2 * width && image.height >= 2 * height) return reduce(halved(image), width, height)
    if (image.width == width && image.height == height) return image
    val whole = image.width % width == 0 && image.height % height == 0
    val scale = if (whole) 1f / (image.width / width * (image.height / height)) else 1f
    val columns = Coverage(image.width, width, whole)
    val rows = Coverage(image.height, height, whole)
    val out = Image(width, height)
    val total = FloatArray(3 * width)
    for (v in 0 until height) {
        total.fill(0f)
        for (i in rows.starts[v] until rows.starts[v + 1]) for (u in 0 until width) for (k in 0..2) {
            var sum = 0f
            for (j in columns.starts[u] until columns.starts[u + 1]) {
                sum += columns.shares[j] * image[image.at(columns.places[j], rows.places[i]) + k]
            }
            total[3 * u + k] += rows.shares[i] * sum
        }
        for (j in total.indices) out.data[out.at(0, v) + j] = clip(roundEven((total[j] * scale).toDouble()))
    }
    return out
}

/** Along one axis of an enlarged picture: two old pixels for a new one, and weights of 2048. */
private class Neighbors(val places: IntArray, val weights: IntArray)

/** OpenCV moves a column at the edge to its center, but weighs an edge's row with itself. */
private fun neighbors(size: Int, newSize: Int, isRow: Boolean) = List(newSize) { i ->
    val exact = ((i + 0.5) * (size.toDouble() / newSize) - 0.5).toFloat()
    val place = if (isRow) exact else exact.coerceIn(0f, (size - 1).toFloat())
    val low = floor(place).toInt()
    val share = place - low
    Neighbors(
        intArrayOf(low.coerceIn(0, size - 1), (low + 1).coerceIn(0, size - 1)),
        intArrayOf(roundEven(2048.0 * (1 - share)), roundEven(2048.0 * share)))
}

/** Bilinear interpolation, edge pixels repeated outside, in OpenCV's integers. */
private fun enlarge(image: Image, width: Int, height: Int): Image {
    val columns = neighbors(image.width, width, false)
    val rows = neighbors(image.height, height, true)
    val out = Image(width, height)
    for (v in 0 until height) for (u in 0 until width) for (k in 0..2) {
        var sum = 0
        for (i in 0..1) {
            val (left, right) = columns[u].places
            val (before, after) = columns[u].weights
            val y = rows[v].places[i]
            val across = image[image.at(left, y) + k] * before + image[image.at(right, y) + k] * after
            sum += ((across shr 4) * rows[v].weights[i]) shr 16
        }
        out.data[out.at(u, v) + k] = clip((sum + 2) shr 2)
    }
    return out
}

/** A crop by bilinear interpolation, black outside; places are rounded to 1/32 pixel as in OpenCV. */
private fun bilinear(image: Image, back: Matrix, size: Int): Image {
    // Far outside the picture nothing but black is seen; the limit keeps the integers small.
    fun fixed(value: Double) = roundEven((value * 1024).coerceIn(-1e9, 1e9))
    fun pixel(x: Int, y: Int, k: Int) =
        if (x >= 0 && y >= 0 && x < image.width && y < image.height) image[image.at(x, y) + k] else 0
    val crop = Image(size, size)
    for (v in 0 until size) {
        val startX = fixed(back.b * v + back.c) + 16
        val startY = fixed(back.e * v + back.f) + 16
        for (u in 0 until size) {
            val x = (startX + fixed(back.a * u)) shr 5
            val y = (startY + fixed(back.d * u)) shr 5
            val x0 = x shr 5
            val y0 = y shr 5
            val fx = x and 31
            val fy = y and 31
            for (k in 0..2) {
                val upper = pixel(x0, y0, k) * (32 - fx) + pixel(x0 + 1, y0, k) * fx
                val lower = pixel(x0, y0 + 1, k) * (32 - fx) + pixel(x0 + 1, y0 + 1, k) * fx
                crop.data[crop.at(u, v) + k] = ((upper * (32 - fy) + lower * fy + 512) shr 10).toByte()
            }
        }
    }
    return crop
}

/** A part of a picture; what lies outside is black. */
private fun cut(image: Image, left: Int, top: Int, width: Int, height: Int): Image {
    val out = Image(width, height)
    val first = max(left, 0)
    val count = min(left + width, image.width) - first
    if (count > 0) for (y in max(top, 0) until min(top + height, image.height)) {
        System.arraycopy(image.data, image.at(first, y), out.data, out.at(first - left, y - top), 3 * count)
    }
    return out
}

/** A picture in another size, as OpenCV's resize makes it: averaged down, or interpolated up. */
fun resize(image: Image, width: Int, height: Int) = when {
    width == image.width && height == image.height -> image
    width < image.width || height < image.height -> reduce(image, width, height)
    else -> enlarge(image, width, height)
}

/**
 * Cuts a square crop by a matrix from the picture to the crop; outside the picture it is black.
 *
 * A picture of more than twice the crop's scale is first halved, until it is not: a plain warp would
 * alias.
 */
fun warp(image: Image, matrix: Matrix, size: Int): Image {
    var scale = sqrt(abs(matrix.a * matrix.e - matrix.b * matrix.d))
    val toPhoto = invert(matrix)
    if (!(scale < 0.5)) return bilinear(image, toPhoto, size)
    val end = size.toDouble()
    val pad = 2 / scale
    val corners = listOf(Point(0.0, 0.0), Point(end, 0.0), Point(0.0, end), Point(end, end)).map { transform(it, toPhoto) }
    fun range(values: List<Double>, limit: Int): Pair<Int, Int> {
        val low = floor(least(values) - pad).coerceIn(0.0, limit.toDouble()).toInt()
        return Pair(low, (ceil(most(values) + pad) + 1).coerceIn(0.0, limit.toDouble()).toInt() - low)
    }
    val (left, width) = range(corners.map { it.x }, image.width)
    val (top, height) = range(corners.map { it.y }, image.height)
    if (width < 1 || height < 1) return Image(size, size)
    var part = cut(image, left, top, width, height)
    var toCrop = compose(matrix, Matrix(1.0, 0.0, left.toDouble(), 0.0, 1.0, top.toDouble()))
    while (scale < 0.5 && min(part.width, part.height) > 1) {
        part = halved(part)
        toCrop = compose(toCrop, Matrix(2.0, 0.0, 0.5, 0.0, 2.0, 0.5))
        scale *= 2
    }
    return bilinear(part, invert(toCrop), size)
}

// --------------------------------------------------------------------------------------- detector

/**
 * A face as BlazeFace gives it.
 *
 * @param points the square's center, the eye on the left in an upright face, the other eye, the tip of
 *     the nose, the mouth, and the ears in the eyes' order
 */
data class BlazeFaceFace(val points: List<Point>, val side: Double, val score: Double) {
    val square get() = boxAround(points[0], side, side)

    /** Radians by which the face is rotated clockwise. */
    val angle: Double get() {
        val (_, right, left, _, mouth) = points
        val downX = mouth.x - (right.x + left.x) / 2
        val downY = mouth.y - (right.y + left.y) / 2
        return atan2(left.y - right.y - downX, left.x - right.x + downY)
    }

    /** The face where a similarity takes it. */
    fun moved(m: Matrix) =
        BlazeFaceFace(points.map { transform(it, m) }, side * sqrt(abs(m.a * m.e - m.b * m.d)), score)
}

/** Whether the squares of two faces are about the same one. */
fun same(a: BlazeFaceFace, b: BlazeFaceFace) = overlap(a.square, b.square) >= 0.3

/** One face of those whose squares are about the same one: the highest score, surest first. */
fun best(faces: List<BlazeFaceFace>): List<BlazeFaceFace> {
    val kept = ArrayList<BlazeFaceFace>()
    for (face in faces.sortedByDescending { it.score }) if (kept.none { same(face, it) }) kept.add(face)
    return kept
}

/**
 * Runs a network of BlazeFace on (size, size, 3) numbers from -1 to 1. Returns both outputs, in any
 * order: 16 numbers for each anchor, and one score.
 */
typealias DetectorNetwork = (FloatArray) -> List<FloatArray>

/**
 * One of BlazeFace's two networks with its anchors.
 *
 * @param full whether it is face_detection_full_range.tflite; otherwise the short range
 */
class BlazeNet(full: Boolean = false, private val network: DetectorNetwork) {
    val size = if (full) 192 else 128
    val centers = (if (full) listOf(Pair(48, 1)) else listOf(Pair(16, 2), Pair(8, 6))).flatMap { (cells, each) ->
        List(cells * cells * each) {
            val cell = it / each
            Point((cell % cells + 0.5) / cells * size - 0.5, (cell / cells + 0.5) / cells * size - 0.5)
        }
    }

    /** Faces of a picture of the network's size with at least a score, several for each face. */
    fun find(image: Image, threshold: Double): List<BlazeFaceFace> {
        val outputs = network(FloatArray(image.data.size) { image[it] * (2f / 255f) - 1f })
        require(outputs.size == 2) { "a detector's network must return two outputs" }
        val (logits, numbers) = outputs.sortedBy { it.size }
        return decode(numbers, logits, threshold)
    }

    /** The faces that the outputs are about. */
    fun decode(numbers: FloatArray, logits: FloatArray, threshold: Double): List<BlazeFaceFace> {
        require(numbers.size == 16 * centers.size && logits.size == centers.size) {
            "the outputs must be 16 numbers and a score for each of ${centers.size} anchors"
        }
        val least = ln(threshold / (1 - threshold))
        return centers.indices.filter { logits[it] >= least }.map { i ->
            val points = listOf(0, 2, 3, 4, 5, 6, 7).map {
                Point(numbers[16 * i + 2 * it] + centers[i].x, numbers[16 * i + 2 * it + 1] + centers[i].y)
            }
            val side = (numbers[16 * i + 2].toDouble() + numbers[16 * i + 3].toDouble()) / 2
            BlazeFaceFace(points, side, 1 / (1 + exp(-logits[i].toDouble())))
        }
    }
}

/**
 * A square part of a picture, reduced, for a network.
 *
 * @param low pixels of the tile from which on, up to `high`, a face lies wholly in it; infinite at the
 *     picture's own edges
 */
class Tile(val image: Image, val toPhoto: Matrix, val low: Point, val high: Point)

/**
 * Longer sides to which a picture is reduced, the largest first.
 *
 * @param minFace the smallest face wanted, as a share of the picture's longer side
 */
fun levelSides(longer: Int, size: Int, minFace: Double): List<Int> {
    val found = ArrayList<Int>()
    var side = min(20 / minFace, longer.toDouble())
    while (side > 1.25 * size) {
        found.add(roundEven(side))
        side /= 2
    }
    return found + size
}

/** The tiles of a picture reduced to each of these sides. */
fun tiles(image: Image, size: Int, sides: List<Int>): List<Tile> {
    fun starts(side: Int): List<Int> {
        if (side <= size) return listOf(-((size - side) / 2))
        val shared = size / 4
        val count = (side - shared + size - shared - 1) / (size - shared)
        return List(count) { roundEven(it * ((side - size).toDouble() / (count - 1))) }
    }

    val found = ArrayList<Tile>()
    var level = image
    val infinite = Double.POSITIVE_INFINITY
    for (side in sides) {
        val scale = side.toDouble() / max(image.width, image.height)
        val width = max(1, roundEven(image.width * scale))
        val height = max(1, roundEven(image.height * scale))
        level = resize(level, width, height) // made of the one before
        val fx = image.width.toDouble() / width
        val fy = image.height.toDouble() / height
        for (y in starts(height)) for (x in starts(width)) {
            val low = Point(if (x <= 0) -infinite else -0.5, if (y <= 0) -infinite else -0.5)
            val high = Point(if (x + size >= width) infinite else size - 0.5, if (y + size >= height) infinite else size - 0.5)
            val toPhoto = Matrix(fx, 0.0, (x + 0.5) * fx - 0.5, 0.0, fy, (y + 0.5) * fy - 0.5)
            found.add(Tile(cut(level, x, y, size, size), toPhoto, low, high))
        }
    }
    return found
}

/**
 * A number rounded to the grid of a face with this side, so that tiny differences between processors do
 * not change the next look's bytes.
 */
fun onGrid(pixels: Double, side: Double): Double {
    val step = 2.0.pow(floor(log2(abs(side)))) / 512
    return Math.rint(pixels / step) * step
}

fun turnOnGrid(angle: Double) = (floor(angle * 256) + 0.5) / 256

/** From the six points of an upright face, in sides of its square, to the tight box. */
val BOX_MAP = arrayOf(
    doubleArrayOf(0.3271, -0.368, 1.5669, 1.2785),
    doubleArrayOf(-0.1998, -0.0807, 2.1574, 0.178),
    doubleArrayOf(0.7675, -0.0674, -2.7183, -0.0213),
    doubleArrayOf(0.2403, -0.1838, 1.4712, 0.8327),
    doubleArrayOf(-1.4441, 0.5375, 1.6618, -1.7943),
    doubleArrayOf(-0.1633, 0.3639, -2.8965, -2.9885),
    doubleArrayOf(0.9874, -0.3208, -1.2619, 1.2832),
    doubleArrayOf(0.2308, 0.3579, 1.5512, 3.2844),
    doubleArrayOf(0.205, 0.2829, -1.8948, -0.5163),
    doubleArrayOf(-0.5369, 0.0795, -0.2185, 0.0052),
    doubleArrayOf(-0.1464, 0.0236, 2.0709, 0.0238),
    doubleArrayOf(0.8308, 0.2964, -0.3668, 0.1973),
    doubleArrayOf(0.0567, 0.0124, 0.5501, 0.5181))

/** The tight box of the whole face, from brows to chin. */
fun tightBox(face: BlazeFaceFace): Box {
    val turn = rotation(face.angle)
    val back = invert(turn)
    val middle = face.points[0]
    val features = face.points.drop(1).flatMap {
        val away = transform(Point((it.x - middle.x) / face.side, (it.y - middle.y) / face.side), back)
        listOf(away.x, away.y)
    } + 1.0
    val box = DoubleArray(4) { column -> face.side * features.indices.map { features[it] * BOX_MAP[it][column] }.sum() }
    val away = transform(Point(box[0], box[1]), turn)
    return boxAround(Point(middle.x + away.x, middle.y + away.y), box[2], box[3])
}

/**
 * Where a face is: its tight box and its roll.
 *
 * @param wholeFace whether it is the box of a whole face, as the detector finds it, and not that of the model's
 *     landmarks
 */
data class Place(val box: Box, val angle: Double = 0.0, val score: Double = 1.0, val wholeFace: Boolean = false)

/**
 * Finds faces in three looks: propose, judge each proposal upright and large, measure.
 *
 * @param full the full range, which finds small faces; without it faces are found from 0.16 of the
 *     picture's longer side on
 */
class BlazeFace(private val short: BlazeNet, private val full: BlazeNet? = null, private val threshold: Double = 0.7) {
    /**
     * Faces of a picture, largest first.
     *
     * @param minFace side of the smallest face as a share of the picture's longer side; without it
     *     0.03, and 0.16 where a close face is surely found
     */
    fun detect(image: Image, minFace: Double? = null): List<Place> {
        val longer = max(image.width, image.height)
        val first = seen(short, image, listOf(short.size))
        val close = first.filter {
            it.score >= max(0.85, threshold) && it.side >= 0.2 * longer && abs(it.angle) <= PI / 6
        }
        val large = 20.0 / 128
        val smallest = minFace ?: if (close.isEmpty()) 0.03 else large
        val proposals = if (full == null || smallest >= large) first
            else best(first + seen(full, image, levelSides(longer, full.size, smallest)))
        val looked = proposals.filter { proposal -> close.none { same(it, proposal) } }.mapNotNull { proposal ->
            val judged = look(image, proposal, 1.5)
            if (judged == null || judged.score < threshold) null
            else (look(image, judged, 2.0) ?: judged).copy(score = judged.score)
        }
        return best(close + looked).map { face ->
            val box = tightBox(face)
            fun grid(value: Double) = onGrid(value, face.side)
            Place(Box(grid(box.x), grid(box.y), grid(box.width), grid(box.height)), turnOnGrid(face.angle), face.score, true)
        }.sortedByDescending { it.box.width * it.box.height }
    }

    /** What a network sees in tiles of a picture. */
    private fun seen(network: BlazeNet, image: Image, sides: List<Int>) = tiles(image, network.size, sides).flatMap { tile ->
        best(network.find(tile.image, 0.3)).filter {
            val square = it.square
            square.x >= tile.low.x && square.y >= tile.low.y && square.x + it.side <= tile.high.x && square.y + it.side <= tile.high.y
        }.map { it.moved(tile.toPhoto) }
    }

    /** The face once more, upright and large; nothing where none is in the middle. */
    private fun look(image: Image, face: BlazeFaceFace, margin: Double): BlazeFaceFace? {
        val middle = (short.size - 1) / 2.0
        val reach = short.size / margin
        val side = onGrid(face.side, face.side)
        val at = Point(onGrid(face.points[0].x, face.side), onGrid(face.points[0].y, face.side))
        val m = FaceCrop(short.size, margin).matrix(boxAround(at, side, side), turnOnGrid(face.angle))
        return best(short.find(warp(image, m, short.size), 0.3)).firstOrNull {
            max(abs(it.points[0].x - middle), abs(it.points[0].y - middle)) < reach / 4
        }?.moved(invert(m))
    }
}

// -------------------------------------------------------------------------------------- landmarks

/** Runs a landmark model on a crop's RGB bytes. Returns x and y of each landmark in pixels of the crop. */
typealias LandmarkNetwork = (ByteArray) -> FloatArray

/**
 * What the metadata of a landmark model says; about.py writes it as code.
 *
 * @param eyes landmarks of the first and of the second eye; empty where the model has none
 * @param meanShape pixels of the crop; empty where there is none
 * @param boxInFace where the tight box of the landmarks is in that of a whole face, in its sides
 */
class ModelInfo(
    val crop: FaceCrop, val eyes: List<IntArray>, val meanShape: List<Point>, val boxInFace: Box = WHOLE_FACE)

val WHOLE_FACE = Box(0.0, 0.0, 1.0, 1.0)

/** From the center of a face's box of this size to that of the model's landmarks. */
private fun awayInFace(part: Box, width: Double, height: Double, angle: Double) = transform(
    Point((part.x + part.width / 2 - 0.5) * width, (part.y + part.height / 2 - 0.5) * height), rotation(angle))

/** The place of a model's landmarks in that of a whole face; other places stay as they are. */
fun inFace(place: Place, info: ModelInfo): Place {
    val part = info.boxInFace
    if (!place.wholeFace || part == WHOLE_FACE) return place
    val (x, y, width, height) = place.box
    val away = awayInFace(part, width, height, place.angle)
    val middle = Point(x + width / 2 + away.x, y + height / 2 + away.y)
    return Place(boxAround(middle, width * part.width, height * part.height), place.angle, place.score)
}

/** The place of the whole face around that of a model's landmarks. */
fun faceAround(place: Place, info: ModelInfo): Place {
    val part = info.boxInFace
    if (place.wholeFace || part == WHOLE_FACE) return place
    val width = place.box.width / part.width
    val height = place.box.height / part.height
    val away = awayInFace(part, width, height, place.angle)
    val (x, y) = place.box.center
    return Place(boxAround(Point(x - away.x, y - away.y), width, height), place.angle, place.score, true)
}

/** A face: the place that its crop was cut by, and its landmarks in the picture. */
class DetectedFace(val place: Place, val landmarks: List<Point>)

/**
 * A face's roll by the line through its eyes.
 *
 * @param near the roll that the landmarks were found with
 */
fun roll(landmarks: List<Point>, eyes: List<IntArray>, near: Double): Double {
    if (eyes.size < 2 || eyes[0].isEmpty() || eyes[1].isEmpty()) return near
    // In float32, as in Python, so that the next crop has the same bytes.
    fun mean(group: IntArray, pick: (Point) -> Double): Float {
        var sum = 0f
        for (index in group) sum += pick(landmarks[index]).toFloat()
        return sum / group.size
    }
    val x = (mean(eyes[1]) { it.x } - mean(eyes[0]) { it.x }).toDouble()
    val y = (mean(eyes[1]) { it.y } - mean(eyes[0]) { it.y }).toDouble()
    // A scheme may name the eyes from either side.
    return if (x * cos(near) + y * sin(near) < 0) atan2(-y, -x) else atan2(y, x)
}

/** The box around landmarks and their roll: what the next crop is cut by. */
fun nextPlace(landmarks: List<Point>, info: ModelInfo, near: Double): Place {
    val angle = roll(landmarks, info.eyes, near)
    return Place(uprightBox(landmarks, angle), angle)
}

/** Whether a box shows any of a picture. */
fun inside(box: Box, image: Image) =
    box.x < image.width && box.y < image.height && box.x + box.width > 0 && box.y + box.height > 0

/** The largest distance between a corner of a crop and the same corner of another, in sides of a crop. */
fun cropShift(crop: Matrix, other: Matrix, size: Int): Double {
    val back = invert(other)
    val last = size - 1.0
    var largest = 0.0
    for (corner in listOf(Point(0.0, 0.0), Point(last, 0.0), Point(0.0, last), Point(last, last))) {
        val moved = transform(transform(corner, back), crop)
        largest = maxOf(largest, hypot(moved.x - corner.x, moved.y - corner.y))
    }
    return largest / size
}

/** Predicts landmarks of faces. */
class Landmarker(val info: ModelInfo, private val network: LandmarkNetwork) {
    /**
     * @param passes 2 for a detector's place, 1 for the place from the frame before. A pass is skipped if its crop
     *     would show the face like the last one.
     */
    fun detect(image: Image, place: Place, passes: Int = 2): DetectedFace {
        val first = inFace(place, info)
        var face = DetectedFace(first, emptyList())
        var m = info.crop.matrix(first.box, first.angle)
        for (i in 0 until passes) {
            var here = first
            if (i > 0) {
                here = nextPlace(face.landmarks, info, face.place.angle).copy(score = place.score)
                if (!inside(here.box, image)) break
                val moved = info.crop.matrix(here.box, here.angle)
                if (cropShift(moved, m, info.crop.size) <= 0.06) break
                m = moved
            }
            val back = invert(m)
            val flat = network(warp(image, m, info.crop.size).data)
            require(flat.isNotEmpty() && flat.size % 2 == 0) { "a landmark network must return x and y of each landmark" }
            face = DetectedFace(here, List(flat.size / 2) {
                val p = transform(Point(flat[2 * it].toDouble(), flat[2 * it + 1].toDouble()), back)
                Point(p.x.toFloat().toDouble(), p.y.toFloat().toDouble()) // float32, as in Python
            })
        }
        return face
    }
}

// ---------------------------------------------------------------------------------------- tracking

/** The One-Euro filter (Casiez, Roussel and Vogel, 2012): steady at rest, quick in motion. */
class OneEuroFilter(private val minCutoff: Double = 1.0, private val beta: Double = 0.0, private val dCutoff: Double = 1.0) {
    private var time: Double? = null
    private var values = DoubleArray(0)
    private var speed = DoubleArray(0)

    fun reset() { time = null }

    /**
     * The next points, smoothed.
     *
     * @param time in seconds, later than the call before
     * @param unit what speeds are counted in: the face's size
     */
    fun smooth(points: List<Point>, time: Double, unit: Double = 1.0): List<Point> {
        val now = DoubleArray(2 * points.size) { if (it % 2 == 0) points[it / 2].x else points[it / 2].y }
        val before = this.time
        if (before == null) {
            values = now
            speed = DoubleArray(now.size)
        } else {
            require(time > before) { "time must be later than $before s. Got: $time" }
            val step = time - before
            for (i in now.indices) {
                speed[i] += weight(dCutoff, step) * ((now[i] - values[i]) / (step * unit) - speed[i])
                values[i] += weight(minCutoff + beta * abs(speed[i]), step) * (now[i] - values[i])
            }
        }
        this.time = time
        return List(points.size) { Point(values[2 * it], values[2 * it + 1]) }
    }

    private fun weight(cutoff: Double, step: Double) = 1 / (1 + 1 / (2 * PI * cutoff * step))
}

/**
 * How unlike a face landmarks are: the distance from the mean shape in sizes of the face, and the
 * degrees between the face's roll and `angle`.
 *
 * @param meanShape with the longer side of its box 1
 */
fun residual(landmarks: List<Point>, meanShape: List<Point>, angle: Double): Pair<Double, Double> {
    val m = similarity(landmarks, meanShape)
    val squares = landmarks.indices.map {
        val p = transform(landmarks[it], m)
        hypot(p.x - meanShape[it].x, p.y - meanShape[it].y).pow(2)
    }
    val turn = atan2(m.d, m.a) + angle
    return Pair(sqrt(squares.average()), abs(atan2(sin(turn), cos(turn))) * 180 / PI)
}

/** Whether landmarks can be those of a face that was in a place a moment ago. */
fun plausible(landmarks: List<Point>, before: Place, width: Int, height: Int, meanShape: List<Point>): Boolean {
    val found = uprightBox(landmarks, before.angle)
    val (x, y) = found.center
    val side = found.longer
    val old = before.box.longer
    val near = side >= 10 && x >= 0 && y >= 0 && x < width && y < height && side >= old / 1.5 && side <= old * 1.5 &&
        overlap(found, before.box) >= 0.3
    if (!near || meanShape.isEmpty()) return near
    val (off, tilt) = residual(landmarks, meanShape, before.angle)
    return off <= 0.18 && tilt <= 60
}

/**
 * A face in a frame of a video.
 *
 * @param id from 1, the same in every frame; a face that appears where one was lost in the last 60 frames
 *     gets its number, otherwise numbers are not used again
 * @param place the place that the crop was cut by
 * @param landmarks smoothed
 * @param raw as predicted from this frame only
 */
class TrackedFace(val id: Int, val place: Place, val landmarks: List<Point>, val raw: List<Point>)

/** Follows the faces of a video, by the rules of the Python FaceTracker without a face score. */
class FaceTracker(private val landmarker: Landmarker, private val detector: BlazeFace, private val smooth: Boolean = true) {
    private val meanShape = landmarker.info.crop.let { crop ->
        val middle = (crop.size - 1) / 2.0
        val unit = crop.margin / crop.size
        landmarker.info.meanShape.map { Point((it.x - middle) * unit, (it.y - middle) * unit) }
    }
    private var tracks = listOf<Track>()
    private var lost = listOf<Track>()
    private var frame = -1
    private var searchAt = 0
    private var ids = 0

    /** The state of one face. */
    private inner class Track(val id: Int, first: DetectedFace) {
        val filter = OneEuroFilter(0.3, 30.0)
        var checkAt = frame + SOON
        var checks = 0
        var misses = 0
        var lostAt = 0
        var confirmed = false
        var face = first
            set(value) { field = value; next = place(value) }
        /** The place of the next crop. */
        var next = place(first)
            private set
    }

    /**
     * The faces in the next frame, in the order in which they were first found.
     *
     * @param time of the frame in seconds, later than the one before
     */
    fun update(image: Image, time: Double): List<TrackedFace> {
        frame++
        follow(image)
        merge()
        check(image)
        if (frame >= searchAt) search(image)
        return tracks.map {
            val raw = it.face.landmarks
            TrackedFace(it.id, it.face.place, if (smooth) it.filter.smooth(raw, time, it.next.box.longer) else raw, raw)
        }
    }

    private fun place(face: DetectedFace) = nextPlace(face.landmarks, landmarker.info, face.place.angle)

    private fun good(face: DetectedFace?, before: Box, image: Image) =
        face != null && plausible(face.landmarks, Place(before, face.place.angle), image.width, image.height, meanShape)

    private fun steady(face: DetectedFace) =
        overlap(face.place.box, uprightBox(face.landmarks, face.place.angle)) >= 0.85

    private fun look(image: Image, place: Place) = if (inside(place.box, image)) landmarker.detect(image, place, 1) else null

    /** Each face from its landmarks in the frame before; those that moved far in a second pass. */
    private fun follow(image: Image) {
        val faces = tracks.map { track -> look(image, track.next)?.takeIf { good(it, track.next.box, image) } }.toMutableList()
        for ((i, face) in faces.withIndex()) {
            if (face == null || steady(face)) continue
            faces[i] = look(image, place(face))?.takeIf { good(it, tracks[i].next.box, image) }
        }
        for ((track, face) in tracks.zip(faces)) {
            if (face == null) {
                lose(track)
                continue
            }
            track.face = face
            if (!steady(face)) track.checkAt = min(track.checkAt, frame + SOON)
        }
    }

    /** Of tracks on the same face the later ones end. */
    private fun merge() {
        val later = doubled(tracks.map { it.next.box })
        tracks = tracks.filterIndexed { i, _ -> i !in later }
    }

    /** Looks for each face that is due in its surroundings. */
    private fun check(image: Image) {
        for (track in tracks.filter { it.checkAt <= frame }) {
            track.checks++
            if (isThere(image, track.next, track.checks)) {
                confirm(track)
                continue
            }
            track.checkAt = frame + if (track.confirmed) CHECK_EVERY else SOON
            if (++track.misses >= (if (track.confirmed) 3 else 2)) lose(track)
        }
    }

    private fun isThere(image: Image, place: Place, turn: Int): Boolean {
        val box = place.box
        val whole = faceAround(place, landmarker.info).box
        val half = listOf(2.0, 1.7, 2.4)[turn % 3] * whole.longer / 2
        val (x, y) = whole.center
        val left = max(0, floor(x - half).toInt())
        val top = max(0, floor(y - half).toInt())
        val width = min(image.width, ceil(x + half).toInt()) - left
        val height = min(image.height, ceil(y + half).toInt()) - top
        return width > 0 && height > 0 && find(cut(image, left, top, width, height), 128).any {
            overlap(it.box.copy(x = it.box.x + left, y = it.box.y + top), box) >= SAME
        }
    }

    /** Looks for new faces in the whole frame. */
    private fun search(image: Image) {
        val found = find(image, 320)
        val known = tracks.map { it.next.box }
        val same = pairs(found.map { it.box }, known, SAME)
        for ((_, column) in same) confirm(tracks[column])
        val old = same.map { it.first }
        val new = found.filterIndexed { i, place -> i !in old && known.none { covered(place.box, it) >= PART } }
        lost = lost.filter { frame - it.lostAt <= KEEP }
        val numbers = pairs(new.map { it.box }, lost.map { it.next.box }, SAME).associate { (row, column) -> row to lost[column].id }
        for ((i, place) in new.withIndex()) {
            if (!inside(place.box, image)) continue
            val face = landmarker.detect(image, place)
            if (good(face, place.box, image)) begin(face, numbers[i])
        }
        merge()
        searchAt = frame + if (tracks.isEmpty()) CHECK_EVERY else SEARCH_EVERY
    }

    /** Faces of a picture reduced to a longer side; boxes count from the picture's edge. */
    private fun find(image: Image, side: Int): List<Place> {
        val scale = side.toDouble() / max(image.width, image.height)
        if (scale >= 1) return detector.detect(image, 20.0 / 128).map { inFace(it, landmarker.info) }
        val small = resize(image, max(1, roundEven(image.width * scale)), max(1, roundEven(image.height * scale)))
        val fx = image.width.toDouble() / small.width
        val fy = image.height.toDouble() / small.height
        return detector.detect(small, 20.0 / 128).map {
            val place = it.copy(box = Box(it.box.x * fx, it.box.y * fy, it.box.width * fx, it.box.height * fy))
            inFace(place, landmarker.info)
        }
    }

    /** A new track, with the number of a lost one if it is given. */
    private fun begin(face: DetectedFace, number: Int?) {
        lost = lost.filter { it.id != number }
        tracks = (tracks + Track(number ?: ++ids, face)).sortedBy { it.id }
    }

    private fun confirm(track: Track) {
        track.confirmed = true
        track.misses = 0
        track.checkAt = frame + CHECK_EVERY
    }

    private fun lose(track: Track) {
        tracks = tracks - track
        lost = lost + track
        track.lostAt = frame
        searchAt = frame
    }

    private companion object {
        /**
         * Frames between two searches, two checks, until a new or doubted face is checked, and for which a
         * lost face keeps its number.
         */
        const val SEARCH_EVERY = 90
        const val CHECK_EVERY = 15
        const val SOON = 5
        const val KEEP = 60
        /** Overlap of boxes on the same face, and the share of a box that makes it a part of a face. */
        const val SAME = 0.3
        const val PART = 0.5
    }
}
