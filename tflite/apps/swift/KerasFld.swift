// UNTESTED: this file has never been compiled. It follows kotlin/KerasFld.kt; check it against
// golden.json before you rely on it.
//
// Faces and their landmarks in pictures and videos: the pipeline around the networks of keras_fld, in
// Swift 5 with Foundation only. The networks run in LiteRT's or TensorFlow Lite's Interpreter: two
// closures take the input and return the outputs (see README.md).
//
// Pixel centers are at whole numbers. A matrix is the rows of a 2x3 matrix. Angles are in radians,
// clockwise; the box of a rotated face is the box of the face after rotating it upright about the box's
// center.
//
// License: Apache-2.0, that of keras_fld and of the detector's network files, which are Google's.
import Foundation

/// An RGB picture: rows from the top, three bytes for each pixel.
struct Image {
    let width, height: Int
    var data: [UInt8]

    init(_ width: Int, _ height: Int, _ data: [UInt8]? = nil) {
        precondition(width > 0 && height > 0, "an image must have at least one pixel")
        self.width = width
        self.height = height
        self.data = data ?? [UInt8](repeating: 0, count: width * height * 3)
        precondition(self.data.count == width * height * 3, "an image must have width * height * 3 bytes")
    }

    func at(_ x: Int, _ y: Int) -> Int { return 3 * (y * width + x) }
}

struct Point {
    var x, y: Double
    init(_ x: Double, _ y: Double) { self.x = x; self.y = y }
}

struct Box {
    var x, y, width, height: Double
    init(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
        self.x = x; self.y = y; self.width = width; self.height = height
    }
    var center: Point { return Point(x + width / 2, y + height / 2) }
    var longer: Double { return max(width, height) }
}

/// The rows a b c and d e f.
struct Matrix {
    var a, b, c, d, e, f: Double
    init(_ a: Double, _ b: Double, _ c: Double, _ d: Double, _ e: Double, _ f: Double) {
        self.a = a; self.b = b; self.c = c; self.d = d; self.e = e; self.f = f
    }
}

/// As Python's round: halves to the even neighbor.
private func roundEven(_ value: Double) -> Int { return Int(value.rounded(.toNearestOrEven)) }

private func clip(_ value: Int) -> UInt8 { return UInt8(min(max(value, 0), 255)) }

private func limited(_ value: Double, _ low: Double, _ high: Double) -> Double { return min(max(value, low), high) }

// MARK: - Camera frames

/// RGB of a bi-planar YUV 4:2:0 CVPixelBuffer's planes (BT.601, 8 bits): Y, and CbCr (NV12).
/// - Parameter fullRange: true for ...BiPlanarFullRange, false for ...BiPlanarVideoRange.
func nv12ToRgb(y: UnsafePointer<UInt8>, yStride: Int, uv: UnsafePointer<UInt8>, uvStride: Int,
               width: Int, height: Int, fullRange: Bool = true) -> Image {
    var image = Image(width, height)
    var out = 0
    for row in 0..<height {
        for column in 0..<width {
            let at = row / 2 * uvStride + column / 2 * 2
            let luma = Int(y[row * yStride + column]), cb = Int(uv[at]) - 128, cr = Int(uv[at + 1]) - 128
            if fullRange { // OpenCV's integers, so that the bytes are those of Python.
                image.data[out] = clip(luma + ((22987 * cr + 8192) >> 14))
                image.data[out + 1] = clip(luma + ((-5636 * cb - 11698 * cr + 8192) >> 14))
                image.data[out + 2] = clip(luma + ((29049 * cb + 8192) >> 14))
            } else {
                let base = max(0, luma - 16) * 1220542 + (1 << 19)
                image.data[out] = clip((base + 1673527 * cr) >> 20)
                image.data[out + 1] = clip((base - 852492 * cr - 409993 * cb) >> 20)
                image.data[out + 2] = clip((base + 2116026 * cb) >> 20)
            }
            out += 3
        }
    }
    return image
}

/// The matrix from a sensor's pixels to those of `turned`.
func turnMatrix(_ width: Int, _ height: Int, degrees: Int, mirrored: Bool = false) -> Matrix {
    precondition(degrees % 90 == 0, "degrees must be 0, 90, 180 or 270")
    let right = Double(width - 1), bottom = Double(height - 1), quarter = ((degrees / 90) % 4 + 4) % 4
    let m: Matrix
    switch quarter {
    case 0: m = Matrix(1, 0, 0, 0, 1, 0)
    case 1: m = Matrix(0, -1, bottom, 1, 0, 0)
    case 2: m = Matrix(-1, 0, right, 0, -1, bottom)
    default: m = Matrix(0, 1, 0, -1, 0, right)
    }
    let end = quarter % 2 == 1 ? bottom : right
    return mirrored ? Matrix(-m.a, -m.b, end - m.c, m.d, m.e, m.f) : m
}

/// A sensor's picture turned clockwise by 0, 90, 180 or 270 degrees, then mirrored if asked.
func turned(_ image: Image, degrees: Int, mirrored: Bool = false) -> Image {
    let m = turnMatrix(image.width, image.height, degrees: degrees, mirrored: mirrored)
    let sideways = m.a == 0
    var out = Image(sideways ? image.height : image.width, sideways ? image.width : image.height)
    for y in 0..<image.height {
        for x in 0..<image.width {
            let p = transform(Point(Double(x), Double(y)), m), from = image.at(x, y), to = out.at(Int(p.x), Int(p.y))
            for k in 0..<3 { out.data[to + k] = image.data[from + k] }
        }
    }
    return out
}

// MARK: - Geometry

func transform(_ p: Point, _ m: Matrix) -> Point { return Point(m.a * p.x + m.b * p.y + m.c, m.d * p.x + m.e * p.y + m.f) }

/// The matrix of the way back.
func invert(_ m: Matrix) -> Matrix {
    let det = m.a * m.e - m.b * m.d
    let a = m.e / det, b = -m.b / det, c = -m.d / det, d = m.a / det
    return Matrix(a, b, -(a * m.c + b * m.f), c, d, -(c * m.c + d * m.f))
}

/// The matrix that applies `before`, then `after`.
func compose(_ after: Matrix, _ before: Matrix) -> Matrix {
    let n = after, p = before
    return Matrix(n.a * p.a + n.b * p.d, n.a * p.b + n.b * p.e, n.a * p.c + n.b * p.f + n.c,
                  n.d * p.a + n.e * p.d, n.d * p.b + n.e * p.e, n.d * p.c + n.e * p.f + n.f)
}

func rotation(_ angle: Double) -> Matrix { return Matrix(cos(angle), -sin(angle), 0, sin(angle), cos(angle), 0) }

func boxAround(_ p: Point, _ width: Double, _ height: Double) -> Box { return Box(p.x - width / 2, p.y - height / 2, width, height) }

/// Intersection over union of two boxes.
func overlap(_ a: Box, _ b: Box) -> Double {
    let across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    let down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    let common = max(0, across) * max(0, down)
    return common / (a.width * a.height + b.width * b.height - common)
}

/// The share of a box's area that another box covers.
func covered(_ box: Box, by other: Box) -> Double {
    let across = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    let down = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return max(0, across) * max(0, down) / (box.width * box.height)
}

/// Pairs boxes with others, the largest overlap first; each is used at most once.
func pairs(_ boxes: [Box], _ others: [Box], _ least: Double) -> [(Int, Int)] {
    var left = [(row: Int, column: Int, common: Double)]()
    for i in boxes.indices {
        for k in others.indices {
            let common = overlap(boxes[i], others[k])
            if common >= least { left.append((i, k, common)) }
        }
    }
    var found = [(Int, Int)]()
    while var next = left.first {
        for pair in left where pair.common > next.common { next = pair }
        found.append((next.row, next.column))
        left = left.filter { $0.row != next.row && $0.column != next.column }
    }
    return found
}

/// The indices of boxes on the same face as an earlier one.
func doubled(_ boxes: [Box]) -> [Int] {
    return boxes.indices.filter { i in boxes[..<i].contains { overlap($0, boxes[i]) >= 0.6 } }
}

/// The tight box around landmarks of a face rotated by an angle.
func uprightBox(_ points: [Point], _ angle: Double) -> Box {
    let toPhoto = rotation(angle), back = invert(toPhoto)
    let upright = points.map { transform($0, back) }
    let xs = upright.map { $0.x }, ys = upright.map { $0.y }
    let x = xs.min()!, y = ys.min()!, width = max(xs.max()! - x, 1e-6), height = max(ys.max()! - y, 1e-6)
    return boxAround(transform(Point(x + width / 2, y + height / 2), toPhoto), width, height)
}

/// The least-squares similarity between two sets of points.
func similarity(_ points: [Point], _ onto: [Point]) -> Matrix {
    func mean(_ ps: [Point]) -> Point {
        let count = Double(ps.count)
        return Point(ps.reduce(0) { $0 + $1.x } / count, ps.reduce(0) { $0 + $1.y } / count)
    }
    let a = mean(points), b = mean(onto)
    var real = 0.0, imaginary = 0.0, norm = 0.0
    for (p, q) in zip(points, onto) {
        let px = p.x - a.x, py = p.y - a.y, qx = q.x - b.x, qy = q.y - b.y
        real += px * qx + py * qy
        imaginary += px * qy - py * qx
        norm += px * px + py * py
    }
    real /= norm
    imaginary /= norm
    return Matrix(real, -imaginary, b.x - (real * a.x - imaginary * a.y), imaginary, real, b.y - (imaginary * a.x + real * a.y))
}

/// The size and margin of the square crop that a network sees; both are in the file's metadata.
struct FaceCrop {
    let size: Int
    let margin: Double

    /// The matrix from the picture to the crop that shows the face upright.
    func matrix(_ box: Box, _ angle: Double = 0) -> Matrix {
        precondition(box.width > 0 && box.height > 0, "a box must be x, y, width, height with a positive size")
        let scale = Double(size) / (margin * box.longer), middle = Double(size - 1) / 2
        let c = scale * cos(angle), s = scale * sin(angle), p = box.center
        return Matrix(c, s, middle - (c * p.x + s * p.y), -s, c, middle - (c * p.y - s * p.x))
    }
}

// MARK: - Pictures

/// Along one axis of a reduced picture: the old pixels that each new one covers, and by how much.
private struct Coverage {
    var starts = [0], places = [Int](), shares = [Float]()

    init(_ size: Int, _ newSize: Int, _ whole: Bool) {
        let factor = Double(size) / Double(newSize)
        for i in 0..<newSize {
            let low = Double(i) * factor, high = min(low + factor, Double(size))
            var k = Int(low)
            while Double(k) < high - 1e-6 {
                let part = (min(Double(k + 1), high) - max(Double(k), low)) / (high - low)
                places.append(k)
                shares.append(whole ? 1 : Float(part))
                k += 1
            }
            starts.append(places.count)
        }
    }
}

/// Means of 2 by 2 pixels. The last row or column of an odd number is dropped.
private func halved(_ image: Image) -> Image {
    var out = Image(image.width / 2, image.height / 2)
    for v in 0..<out.height {
        for u in 0..<out.width {
            let upper = image.at(2 * u, 2 * v), lower = image.at(2 * u, 2 * v + 1)
            for k in 0..<3 {
                let sum = [upper, upper + 3, lower, lower + 3].reduce(2) { $0 + Int(image.data[$1 + k]) }
                out.data[out.at(u, v) + k] = UInt8(sum >> 2)
            }
        }
    }
    return out
}

/// Area averaging: each new pixel is the mean of what it covers, in float32 as OpenCV has it.
private func reduce(_ image: Image, _ width: Int, _ height: Int) -> Image {
    // Halved first, which is faster, where all pixels have a neighbor.
    let even = image.width % 2 == 0 && image.height % 2 == 0
    if even && image.width >= 2 * width && image.height >= 2 * height { return reduce(halved(image), width, height) }
    if image.width == width && image.height == height { return image }
    let whole = image.width % width == 0 && image.height % height == 0
    let scale: Float = whole ? 1 / Float(image.width / width * (image.height / height)) : 1
    let columns = Coverage(image.width, width, whole), rows = Coverage(image.height, height, whole)
    var out = Image(width, height)
    for v in 0..<height {
        var total = [Float](repeating: 0, count: 3 * width)
        for i in rows.starts[v]..<rows.starts[v + 1] {
            for u in 0..<width {
                for k in 0..<3 {
                    var sum: Float = 0
                    for j in columns.starts[u]..<columns.starts[u + 1] {
                        sum += columns.shares[j] * Float(image.data[image.at(columns.places[j], rows.places[i]) + k])
                    }
                    total[3 * u + k] += rows.shares[i] * sum
                }
            }
        }
        for j in 0..<total.count { out.data[out.at(0, v) + j] = clip(roundEven(Double(total[j] * scale))) }
    }
    return out
}

/// Along one axis of an enlarged picture: two old pixels for a new one, and weights of 2048. OpenCV moves
/// a column at the edge to its center, but weighs an edge's row with itself.
private func neighbors(_ size: Int, _ newSize: Int, isRow: Bool) -> [(places: [Int], weights: [Int])] {
    return (0..<newSize).map { i in
        let exact = Float((Double(i) + 0.5) * (Double(size) / Double(newSize)) - 0.5)
        let place = isRow ? exact : min(max(exact, 0), Float(size - 1))
        let low = Int(place.rounded(.down)), share = place - Float(low)
        return ([min(max(low, 0), size - 1), min(max(low + 1, 0), size - 1)],
                [roundEven(2048 * Double(1 - share)), roundEven(2048 * Double(share))])
    }
}

/// Bilinear interpolation, edge pixels repeated outside, in OpenCV's integers.
private func enlarge(_ image: Image, _ width: Int, _ height: Int) -> Image {
    let columns = neighbors(image.width, width, isRow: false), rows = neighbors(image.height, height, isRow: true)
    var out = Image(width, height)
    for v in 0..<height {
        for u in 0..<width {
            for k in 0..<3 {
                var sum = 0
                for i in 0..<2 {
                    var across = 0
                    for j in 0..<2 {
                        across += Int(image.data[image.at(columns[u].places[j], rows[v].places[i]) + k]) * columns[u].weights[j]
                    }
                    sum += ((across >> 4) * rows[v].weights[i]) >> 16
                }
                out.data[out.at(u, v) + k] = clip((sum + 2) >> 2)
            }
        }
    }
    return out
}

/// A crop by bilinear interpolation, black outside; places are rounded to 1/32 pixel as in OpenCV.
private func bilinear(_ image: Image, _ back: Matrix, _ size: Int) -> Image {
    func fixed(_ value: Double) -> Int { return roundEven(limited(value * 1024, -1e9, 1e9)) }
    func pixel(_ x: Int, _ y: Int, _ k: Int) -> Int {
        return x >= 0 && y >= 0 && x < image.width && y < image.height ? Int(image.data[image.at(x, y) + k]) : 0
    }
    var crop = Image(size, size)
    for v in 0..<size {
        let startX = fixed(back.b * Double(v) + back.c) + 16, startY = fixed(back.e * Double(v) + back.f) + 16
        for u in 0..<size {
            let x = (startX + fixed(back.a * Double(u))) >> 5, y = (startY + fixed(back.d * Double(u))) >> 5
            let x0 = x >> 5, y0 = y >> 5, fx = x & 31, fy = y & 31
            for k in 0..<3 {
                let upper = pixel(x0, y0, k) * (32 - fx) + pixel(x0 + 1, y0, k) * fx
                let lower = pixel(x0, y0 + 1, k) * (32 - fx) + pixel(x0 + 1, y0 + 1, k) * fx
                crop.data[crop.at(u, v) + k] = UInt8((upper * (32 - fy) + lower * fy + 512) >> 10)
            }
        }
    }
    return crop
}

/// A part of a picture; what lies outside is black.
private func cut(_ image: Image, _ left: Int, _ top: Int, _ width: Int, _ height: Int) -> Image {
    var out = Image(width, height)
    for y in max(top, 0)..<max(max(top, 0), min(top + height, image.height)) {
        for x in max(left, 0)..<max(max(left, 0), min(left + width, image.width)) {
            for k in 0..<3 { out.data[out.at(x - left, y - top) + k] = image.data[image.at(x, y) + k] }
        }
    }
    return out
}

/// A picture in another size, as OpenCV's resize makes it: averaged down, or interpolated up.
func resize(_ image: Image, _ width: Int, _ height: Int) -> Image {
    if width == image.width && height == image.height { return image }
    return width < image.width || height < image.height ? reduce(image, width, height) : enlarge(image, width, height)
}

/// Cuts a square crop by a matrix from the picture to the crop; outside the picture it is black. A picture
/// of more than twice the crop's scale is first halved, until it is not: a plain warp would alias.
func warp(_ image: Image, _ matrix: Matrix, _ size: Int) -> Image {
    var scale = abs(matrix.a * matrix.e - matrix.b * matrix.d).squareRoot()
    let toPhoto = invert(matrix)
    if !(scale < 0.5) { return bilinear(image, toPhoto, size) }
    let end = Double(size), pad = 2 / scale
    let corners = [Point(0, 0), Point(end, 0), Point(0, end), Point(end, end)].map { transform($0, toPhoto) }
    func range(_ values: [Double], _ limit: Int) -> (Int, Int) {
        let low = Int(limited((values.min()! - pad).rounded(.down), 0, Double(limit)))
        return (low, Int(limited((values.max()! + pad).rounded(.up) + 1, 0, Double(limit))) - low)
    }
    let (left, width) = range(corners.map { $0.x }, image.width)
    let (top, height) = range(corners.map { $0.y }, image.height)
    if width < 1 || height < 1 { return Image(size, size) }
    var part = cut(image, left, top, width, height)
    var toCrop = compose(matrix, Matrix(1, 0, Double(left), 0, 1, Double(top)))
    while scale < 0.5 && min(part.width, part.height) > 1 {
        part = halved(part)
        toCrop = compose(toCrop, Matrix(2, 0, 0.5, 0, 2, 0.5))
        scale *= 2
    }
    return bilinear(part, invert(toCrop), size)
}

// MARK: - Detector

/// A face as BlazeFace gives it. Points: the square's center, the eye on the left in an upright face, the
/// other eye, the tip of the nose, the mouth, and the ears in the eyes' order.
struct BlazeFaceFace {
    var points: [Point]
    var side, score: Double

    var square: Box { return boxAround(points[0], side, side) }

    /// Radians by which the face is rotated clockwise.
    var angle: Double {
        let right = points[1], left = points[2], mouth = points[4]
        let downX = mouth.x - (right.x + left.x) / 2, downY = mouth.y - (right.y + left.y) / 2
        return atan2(left.y - right.y - downX, left.x - right.x + downY)
    }

    /// The face where a similarity takes it.
    func moved(_ m: Matrix) -> BlazeFaceFace {
        let scale = abs(m.a * m.e - m.b * m.d).squareRoot()
        return BlazeFaceFace(points: points.map { transform($0, m) }, side: side * scale, score: score)
    }
}

/// Whether the squares of two faces are about the same one.
func same(_ a: BlazeFaceFace, _ b: BlazeFaceFace) -> Bool { return overlap(a.square, b.square) >= 0.3 }

/// One face of those whose squares are about the same one: the highest score, surest first.
func best(_ faces: [BlazeFaceFace]) -> [BlazeFaceFace] {
    var kept = [BlazeFaceFace]()
    for face in faces.sorted(by: { $0.score > $1.score }) where !kept.contains(where: { same(face, $0) }) { kept.append(face) }
    return kept
}

/// Runs a network of BlazeFace on (size, size, 3) numbers from -1 to 1. Returns both outputs, in any order.
typealias DetectorNetwork = ([Float]) throws -> [[Float]]

/// One of BlazeFace's two networks with its anchors.
final class BlazeNet {
    let size: Int
    private(set) var centers = [Point]()
    private let network: DetectorNetwork

    init(full: Bool = false, network: @escaping DetectorNetwork) {
        size = full ? 192 : 128
        self.network = network
        for (cells, each) in full ? [(48, 1)] : [(16, 2), (8, 6)] {
            for i in 0..<(cells * cells * each) {
                let cell = i / each, unit = Double(size) / Double(cells)
                centers.append(Point((Double(cell % cells) + 0.5) * unit - 0.5, (Double(cell / cells) + 0.5) * unit - 0.5))
            }
        }
    }

    /// Faces of a picture of the network's size with at least a score, several for each face.
    func find(_ image: Image, _ threshold: Double) throws -> [BlazeFaceFace] {
        let outputs = try network(image.data.map { Float($0) * (2 / 255) - 1 }).sorted { $0.count < $1.count }
        precondition(outputs.count == 2, "a detector's network must return two outputs")
        return decode(outputs[1], outputs[0], threshold)
    }

    /// The faces that the outputs are about.
    func decode(_ numbers: [Float], _ logits: [Float], _ threshold: Double) -> [BlazeFaceFace] {
        precondition(numbers.count == 16 * centers.count && logits.count == centers.count,
                     "the outputs must be 16 numbers and a score for each anchor")
        let least = log(threshold / (1 - threshold))
        return centers.indices.filter { Double(logits[$0]) >= least }.map { i in
            let points = [0, 2, 3, 4, 5, 6, 7].map { (k: Int) -> Point in
                Point(Double(numbers[16 * i + 2 * k]) + centers[i].x, Double(numbers[16 * i + 2 * k + 1]) + centers[i].y)
            }
            let side = (Double(numbers[16 * i + 2]) + Double(numbers[16 * i + 3])) / 2
            return BlazeFaceFace(points: points, side: side, score: 1 / (1 + exp(-Double(logits[i]))))
        }
    }
}

/// A square part of a picture, reduced; a face lies wholly in it between `low` and `high`.
struct Tile {
    let image: Image
    let toPhoto: Matrix
    let low, high: Point
}

/// Longer sides to which a picture is reduced, the largest first.
func levelSides(_ longer: Int, _ size: Int, _ minFace: Double) -> [Int] {
    var found = [Int](), side = min(20 / minFace, Double(longer))
    while side > 1.25 * Double(size) {
        found.append(roundEven(side))
        side /= 2
    }
    return found + [size]
}

/// The tiles of a picture reduced to each of these sides.
func tiles(_ image: Image, _ size: Int, _ sides: [Int]) -> [Tile] {
    func starts(_ side: Int) -> [Int] {
        if side <= size { return [-((size - side) / 2)] }
        let shared = size / 4, count = (side - shared + size - shared - 1) / (size - shared)
        return (0..<count).map { roundEven(Double($0) * (Double(side - size) / Double(count - 1))) }
    }
    var found = [Tile](), level = image
    for side in sides {
        let scale = Double(side) / Double(max(image.width, image.height))
        let width = max(1, roundEven(Double(image.width) * scale)), height = max(1, roundEven(Double(image.height) * scale))
        level = resize(level, width, height) // made of the one before
        let fx = Double(image.width) / Double(width), fy = Double(image.height) / Double(height), end = Double(size) - 0.5
        for y in starts(height) {
            for x in starts(width) {
                found.append(Tile(
                    image: cut(level, x, y, size, size),
                    toPhoto: Matrix(fx, 0, (Double(x) + 0.5) * fx - 0.5, 0, fy, (Double(y) + 0.5) * fy - 0.5),
                    low: Point(x <= 0 ? -Double.infinity : -0.5, y <= 0 ? -Double.infinity : -0.5),
                    high: Point(x + size >= width ? Double.infinity : end, y + size >= height ? Double.infinity : end)))
            }
        }
    }
    return found
}

/// A number rounded to the grid of a face with this side.
func onGrid(_ pixels: Double, _ side: Double) -> Double {
    let step = exp2(log2(abs(side)).rounded(.down)) / 512
    return (pixels / step).rounded(.toNearestOrEven) * step
}

func turnOnGrid(_ angle: Double) -> Double { return ((angle * 256).rounded(.down) + 0.5) / 256 }

/// From the six points of an upright face, in sides of its square, to the tight box.
let BOX_MAP: [[Double]] = [
    [0.3271, -0.368, 1.5669, 1.2785],
    [-0.1998, -0.0807, 2.1574, 0.178],
    [0.7675, -0.0674, -2.7183, -0.0213],
    [0.2403, -0.1838, 1.4712, 0.8327],
    [-1.4441, 0.5375, 1.6618, -1.7943],
    [-0.1633, 0.3639, -2.8965, -2.9885],
    [0.9874, -0.3208, -1.2619, 1.2832],
    [0.2308, 0.3579, 1.5512, 3.2844],
    [0.205, 0.2829, -1.8948, -0.5163],
    [-0.5369, 0.0795, -0.2185, 0.0052],
    [-0.1464, 0.0236, 2.0709, 0.0238],
    [0.8308, 0.2964, -0.3668, 0.1973],
    [0.0567, 0.0124, 0.5501, 0.5181],
]

/// The tight box of the whole face, from brows to chin.
func tightBox(_ face: BlazeFaceFace) -> Box {
    let turn = rotation(face.angle), back = invert(turn), middle = face.points[0]
    var features = [Double]()
    for p in face.points.dropFirst() {
        let away = transform(Point((p.x - middle.x) / face.side, (p.y - middle.y) / face.side), back)
        features += [away.x, away.y]
    }
    features.append(1)
    let box = (0..<4).map { column in
        face.side * zip(features, BOX_MAP).reduce(0.0) { sum, pair in sum + pair.0 * pair.1[column] }
    }
    let away = transform(Point(box[0], box[1]), turn)
    return boxAround(Point(middle.x + away.x, middle.y + away.y), box[2], box[3])
}

/// Where a face is: its tight box and its roll.
struct Place {
    var box: Box
    var angle = 0.0
    var score = 1.0
    /// Whether it is the box of a whole face, as the detector finds it, and not that of the model's landmarks.
    var wholeFace = false
}

/// Finds faces in three looks: propose, judge each proposal upright and large, measure.
final class BlazeFace {
    private let short: BlazeNet, full: BlazeNet?, threshold: Double

    /// - Parameter full: finds small faces; without it faces are found from 0.16 of the longer side on.
    init(short: BlazeNet, full: BlazeNet? = nil, threshold: Double = 0.7) {
        self.short = short
        self.full = full
        self.threshold = threshold
    }

    /// Faces of a picture, largest first.
    /// - Parameter minFace: side of the smallest face as a share of the picture's longer side; without it
    ///     0.03, and 0.16 where a close face is surely found.
    func detect(_ image: Image, minFace: Double? = nil) throws -> [Place] {
        let longer = max(image.width, image.height), first = try seen(short, image, [short.size])
        let close = first.filter {
            $0.score >= max(0.85, threshold) && $0.side >= 0.2 * Double(longer) && abs($0.angle) <= Double.pi / 6
        }
        let large = 20.0 / 128, smallest = minFace ?? (close.isEmpty ? 0.03 : large)
        var proposals = first
        if let full = full, smallest < large {
            proposals = best(first + (try seen(full, image, levelSides(longer, full.size, smallest))))
        }
        var faces = close
        for proposal in proposals where !close.contains(where: { same($0, proposal) }) {
            guard let judged = try look(image, proposal, 1.5), judged.score >= threshold else { continue }
            var measured = try look(image, judged, 2) ?? judged
            measured.score = judged.score
            faces.append(measured)
        }
        return best(faces).map { face in
            let box = tightBox(face)
            func grid(_ v: Double) -> Double { return onGrid(v, face.side) }
            return Place(box: Box(grid(box.x), grid(box.y), grid(box.width), grid(box.height)),
                         angle: turnOnGrid(face.angle), score: face.score, wholeFace: true)
        }.sorted { $0.box.width * $0.box.height > $1.box.width * $1.box.height }
    }

    /// What a network sees in tiles of a picture.
    private func seen(_ network: BlazeNet, _ image: Image, _ sides: [Int]) throws -> [BlazeFaceFace] {
        return try tiles(image, network.size, sides).flatMap { tile in
            best(try network.find(tile.image, 0.3)).filter {
                let s = $0.square
                return s.x >= tile.low.x && s.y >= tile.low.y && s.x + s.width <= tile.high.x && s.y + s.height <= tile.high.y
            }.map { $0.moved(tile.toPhoto) }
        }
    }

    /// The face once more, upright and large; nothing where none is in the middle.
    private func look(_ image: Image, _ face: BlazeFaceFace, _ margin: Double) throws -> BlazeFaceFace? {
        let middle = Double(short.size - 1) / 2, reach = Double(short.size) / margin, side = onGrid(face.side, face.side)
        let at = Point(onGrid(face.points[0].x, face.side), onGrid(face.points[0].y, face.side))
        let m = FaceCrop(size: short.size, margin: margin).matrix(boxAround(at, side, side), turnOnGrid(face.angle))
        return best(try short.find(warp(image, m, short.size), 0.3)).first {
            max(abs($0.points[0].x - middle), abs($0.points[0].y - middle)) < reach / 4
        }?.moved(invert(m))
    }
}

// MARK: - Landmarks

/// Runs a landmark model on a crop's RGB bytes. Returns x and y of each landmark in pixels of the crop.
typealias LandmarkNetwork = ([UInt8]) throws -> [Float]

/// What the metadata of a landmark model says; about.py writes it as code.
struct ModelInfo {
    let crop: FaceCrop
    let eyes: [[Int]]
    let meanShape: [Point]
    /// Where the tight box of the landmarks is in that of a whole face, in its sides; nil where it is the same.
    var boxInFace: Box? = nil
}

/// From the center of a face's box of this size to that of the model's landmarks.
private func awayInFace(_ part: Box, _ width: Double, _ height: Double, _ angle: Double) -> Point {
    return transform(Point((part.x + part.width / 2 - 0.5) * width, (part.y + part.height / 2 - 0.5) * height), rotation(angle))
}

/// The place of a model's landmarks in that of a whole face; other places stay as they are.
func inFace(_ place: Place, _ info: ModelInfo) -> Place {
    guard let part = info.boxInFace, place.wholeFace else { return place }
    let box = place.box, away = awayInFace(part, box.width, box.height, place.angle)
    let middle = Point(box.x + box.width / 2 + away.x, box.y + box.height / 2 + away.y)
    return Place(box: boxAround(middle, box.width * part.width, box.height * part.height), angle: place.angle, score: place.score)
}

/// The place of the whole face around that of a model's landmarks.
func faceAround(_ place: Place, _ info: ModelInfo) -> Place {
    guard let part = info.boxInFace, !place.wholeFace else { return place }
    let width = place.box.width / part.width, height = place.box.height / part.height
    let away = awayInFace(part, width, height, place.angle), center = place.box.center
    let box = boxAround(Point(center.x - away.x, center.y - away.y), width, height)
    return Place(box: box, angle: place.angle, score: place.score, wholeFace: true)
}

/// A face: the place that its crop was cut by, and its landmarks in the picture.
struct DetectedFace {
    var place: Place
    var landmarks: [Point]
}

/// A face's roll by the line through its eyes; `near` is the roll that the landmarks were found with.
func roll(_ landmarks: [Point], _ eyes: [[Int]], near: Double) -> Double {
    if eyes.count < 2 || eyes[0].isEmpty || eyes[1].isEmpty { return near }
    // In float32, as in Python, so that the next crop has the same bytes.
    func mean(_ group: [Int], _ pick: (Point) -> Double) -> Float {
        return group.reduce(Float(0)) { $0 + Float(pick(landmarks[$1])) } / Float(group.count)
    }
    let x = Double(mean(eyes[1]) { $0.x } - mean(eyes[0]) { $0.x })
    let y = Double(mean(eyes[1]) { $0.y } - mean(eyes[0]) { $0.y })
    // A scheme may name the eyes from either side.
    return x * cos(near) + y * sin(near) < 0 ? atan2(-y, -x) : atan2(y, x)
}

/// The box around landmarks and their roll: what the next crop is cut by.
func nextPlace(_ landmarks: [Point], _ info: ModelInfo, near: Double) -> Place {
    let angle = roll(landmarks, info.eyes, near: near)
    return Place(box: uprightBox(landmarks, angle), angle: angle)
}

/// Whether a box shows any of a picture.
func inside(_ box: Box, _ image: Image) -> Bool {
    return box.x < Double(image.width) && box.y < Double(image.height) && box.x + box.width > 0 && box.y + box.height > 0
}

/// The largest distance between a corner of a crop and the same corner of another, in sides of a crop.
func cropShift(_ crop: Matrix, _ other: Matrix, size: Int) -> Double {
    let back = invert(other), last = Double(size - 1)
    let shifts = [Point(0, 0), Point(last, 0), Point(0, last), Point(last, last)].map { (corner: Point) -> Double in
        let moved = transform(transform(corner, back), crop)
        return hypot(moved.x - corner.x, moved.y - corner.y)
    }
    return shifts.max()! / Double(size)
}

/// Predicts landmarks of faces.
final class Landmarker {
    let info: ModelInfo
    private let network: LandmarkNetwork

    init(_ info: ModelInfo, network: @escaping LandmarkNetwork) {
        self.info = info
        self.network = network
    }

    /// - Parameter passes: 2 for a detector's place, 1 for the place from the frame before. A pass is skipped if its
    ///   crop would show the face like the last one.
    func detect(_ image: Image, _ place: Place, passes: Int = 2) throws -> DetectedFace {
        let place = inFace(place, info)
        var face = DetectedFace(place: place, landmarks: [])
        var m = info.crop.matrix(place.box, place.angle)
        for i in 0..<passes {
            if i > 0 {
                var next = nextPlace(face.landmarks, info, near: face.place.angle)
                next.score = place.score
                if !inside(next.box, image) { break }
                let moved = info.crop.matrix(next.box, next.angle)
                if cropShift(moved, m, size: info.crop.size) <= 0.06 { break }
                face.place = next
                m = moved
            }
            let back = invert(m)
            let flat = try network(warp(image, m, info.crop.size).data)
            precondition(!flat.isEmpty && flat.count % 2 == 0, "a landmark network must return x and y of each landmark")
            face.landmarks = (0..<flat.count / 2).map {
                let p = transform(Point(Double(flat[2 * $0]), Double(flat[2 * $0 + 1])), back)
                return Point(Double(Float(p.x)), Double(Float(p.y))) // float32, as in Python
            }
        }
        return face
    }
}

// MARK: - Tracking

/// The One-Euro filter (Casiez, Roussel and Vogel, 2012): steady at rest, quick in motion.
final class OneEuroFilter {
    private let minCutoff, beta, dCutoff: Double
    private var time: Double?
    private var values = [Point](), speed = [Point]()

    init(minCutoff: Double = 1, beta: Double = 0, dCutoff: Double = 1) {
        self.minCutoff = minCutoff
        self.beta = beta
        self.dCutoff = dCutoff
    }

    /// The next points, smoothed.
    /// - Parameter time: in seconds, later than the call before.
    /// - Parameter unit: what speeds are counted in: the face's size.
    func smooth(_ points: [Point], _ time: Double, unit: Double = 1) -> [Point] {
        guard let before = self.time else {
            self.time = time
            values = points
            speed = [Point](repeating: Point(0, 0), count: points.count)
            return points
        }
        precondition(time > before, "time must be later than the frame before")
        let step = time - before
        func advance(_ now: Double, _ value: inout Double, _ speed: inout Double) {
            speed += weight(dCutoff, step) * ((now - value) / (step * unit) - speed)
            value += weight(minCutoff + beta * abs(speed), step) * (now - value)
        }
        for i in points.indices {
            var value = values[i], rate = speed[i]
            advance(points[i].x, &value.x, &rate.x)
            advance(points[i].y, &value.y, &rate.y)
            values[i] = value
            speed[i] = rate
        }
        self.time = time
        return values
    }

    private func weight(_ cutoff: Double, _ step: Double) -> Double { return 1 / (1 + 1 / (2 * Double.pi * cutoff * step)) }
}

/// How unlike a face landmarks are: the distance from the mean shape in sizes of the face, and the degrees
/// between the face's roll and `angle`. The longer side of the mean shape's box is 1.
func residual(_ landmarks: [Point], _ meanShape: [Point], angle: Double) -> (off: Double, tilt: Double) {
    let m = similarity(landmarks, meanShape)
    var sum = 0.0
    for (point, mean) in zip(landmarks, meanShape) {
        let p = transform(point, m)
        sum += (p.x - mean.x) * (p.x - mean.x) + (p.y - mean.y) * (p.y - mean.y)
    }
    let turn = atan2(m.d, m.a) + angle
    return ((sum / Double(landmarks.count)).squareRoot(), abs(atan2(sin(turn), cos(turn))) * 180 / Double.pi)
}

/// Whether landmarks can be those of a face that was in a place a moment ago.
func plausible(_ landmarks: [Point], before: Place, width: Int, height: Int, meanShape: [Point]) -> Bool {
    let found = uprightBox(landmarks, before.angle), at = found.center, side = found.longer, old = before.box.longer
    guard side >= 10, at.x >= 0, at.y >= 0, at.x < Double(width), at.y < Double(height), side >= old / 1.5,
          side <= old * 1.5, overlap(found, before.box) >= 0.3 else { return false }
    if meanShape.isEmpty { return true }
    let (off, tilt) = residual(landmarks, meanShape, angle: before.angle)
    return off <= 0.18 && tilt <= 60
}

/// A face in a frame of a video.
struct TrackedFace {
    /// From 1, the same in every frame. A face that appears where one was lost in the last 60 frames gets
    /// its number; otherwise numbers are not used again.
    let id: Int
    /// The place that the crop was cut by.
    let place: Place
    /// Smoothed, and as predicted from this frame only.
    let landmarks, raw: [Point]
}

/// Follows the faces of a video, by the rules of the Python FaceTracker without a face score.
final class FaceTracker {
    /// Frames between two searches, two checks, until a new or doubted face is checked, and for which a
    /// lost face keeps its number.
    private let searchEvery = 90, checkEvery = 15, soon = 5, keep = 60
    /// Overlap of boxes on the same face, and the share of a box that makes it a part of a face.
    private let sameFace = 0.3, part = 0.5
    private let landmarker: Landmarker, detector: BlazeFace, smooth: Bool
    private let meanShape: [Point]
    private var tracks = [Track](), lost = [Track]()
    private var frame = -1, searchAt = 0, ids = 0

    /// The state of one face; `next` is the place of its next crop.
    private final class Track {
        let id: Int
        let filter = OneEuroFilter(minCutoff: 0.3, beta: 30)
        var face: DetectedFace, next: Place, checkAt: Int
        var checks = 0, misses = 0, lostAt = 0
        var confirmed = false

        init(_ id: Int, _ face: DetectedFace, _ next: Place, checkAt: Int) {
            self.id = id
            self.face = face
            self.next = next
            self.checkAt = checkAt
        }
    }

    init(_ landmarker: Landmarker, _ detector: BlazeFace, smooth: Bool = true) {
        self.landmarker = landmarker
        self.detector = detector
        self.smooth = smooth
        let crop = landmarker.info.crop
        let middle = Double(crop.size - 1) / 2, unit = crop.margin / Double(crop.size)
        meanShape = landmarker.info.meanShape.map { Point(($0.x - middle) * unit, ($0.y - middle) * unit) }
    }

    /// The faces in the next frame, in the order in which they were first found.
    /// - Parameter time: of the frame in seconds, later than the one before.
    func update(_ image: Image, time: Double) throws -> [TrackedFace] {
        frame += 1
        try follow(image)
        merge()
        try check(image)
        if frame >= searchAt { try search(image) }
        return tracks.map { track in
            let raw = track.face.landmarks
            let shown = smooth ? track.filter.smooth(raw, time, unit: track.next.box.longer) : raw
            return TrackedFace(id: track.id, place: track.face.place, landmarks: shown, raw: raw)
        }
    }

    private func place(_ face: DetectedFace) -> Place {
        return nextPlace(face.landmarks, landmarker.info, near: face.place.angle)
    }

    private func steady(_ face: DetectedFace) -> Bool {
        return overlap(face.place.box, uprightBox(face.landmarks, face.place.angle)) >= 0.85
    }

    /// The face in a place; nil where it is not plausible after a box in the frame before.
    private func look(_ image: Image, _ place: Place, before: Box, passes: Int = 1) throws -> DetectedFace? {
        guard inside(place.box, image) else { return nil }
        let face = try landmarker.detect(image, place, passes: passes)
        let was = Place(box: before, angle: face.place.angle)
        let good = plausible(face.landmarks, before: was, width: image.width, height: image.height, meanShape: meanShape)
        return good ? face : nil
    }

    /// Each face from its landmarks in the frame before; those that moved far in a second pass.
    private func follow(_ image: Image) throws {
        for track in tracks {
            var face = try look(image, track.next, before: track.next.box)
            if let moved = face, !steady(moved) { face = try look(image, place(moved), before: track.next.box) }
            guard let found = face else {
                lose(track)
                continue
            }
            track.face = found
            track.next = place(found)
            if !steady(found) { track.checkAt = min(track.checkAt, frame + soon) }
        }
    }

    /// Of tracks on the same face the later ones end.
    private func merge() {
        for i in doubled(tracks.map { $0.next.box }).reversed() { tracks.remove(at: i) }
    }

    /// Looks for each face that is due in its surroundings.
    private func check(_ image: Image) throws {
        for track in tracks where track.checkAt <= frame {
            track.checks += 1
            if try isThere(image, track.next, turn: track.checks) {
                confirm(track)
                continue
            }
            track.checkAt = frame + (track.confirmed ? checkEvery : soon)
            track.misses += 1
            if track.misses >= (track.confirmed ? 3 : 2) { lose(track) }
        }
    }

    private func isThere(_ image: Image, _ place: Place, turn: Int) throws -> Bool {
        let box = place.box, whole = faceAround(place, landmarker.info).box
        let half = [2.0, 1.7, 2.4][turn % 3] * whole.longer / 2, at = whole.center
        let left = max(0, Int((at.x - half).rounded(.down))), top = max(0, Int((at.y - half).rounded(.down)))
        let width = min(image.width, Int((at.x + half).rounded(.up))) - left
        let height = min(image.height, Int((at.y + half).rounded(.up))) - top
        if width <= 0 || height <= 0 { return false }
        return try find(cut(image, left, top, width, height), side: 128).contains {
            overlap(Box($0.box.x + Double(left), $0.box.y + Double(top), $0.box.width, $0.box.height), box) >= sameFace
        }
    }

    /// Looks for new faces in the whole frame.
    private func search(_ image: Image) throws {
        let found = try find(image, side: 320), known = tracks.map { $0.next.box }
        var old = Set<Int>(), numbers = [Int: Int]()
        for (row, column) in pairs(found.map { $0.box }, known, sameFace) {
            confirm(tracks[column])
            old.insert(row)
        }
        let new = found.indices.filter { i in !old.contains(i) && !known.contains { covered(found[i].box, by: $0) >= part } }
            .map { found[$0] }
        lost = lost.filter { frame - $0.lostAt <= keep }
        for (row, column) in pairs(new.map { $0.box }, lost.map { $0.next.box }, sameFace) { numbers[row] = lost[column].id }
        for (i, spot) in new.enumerated() {
            if let face = try look(image, spot, before: spot.box, passes: 2) { begin(face, number: numbers[i]) }
        }
        merge()
        searchAt = frame + (tracks.isEmpty ? checkEvery : searchEvery)
    }

    /// Faces of a picture reduced to a longer side; boxes count from the picture's edge.
    private func find(_ image: Image, side: Int) throws -> [Place] {
        let scale = Double(side) / Double(max(image.width, image.height)), large = 20.0 / 128
        if scale >= 1 { return try detector.detect(image, minFace: large).map { inFace($0, landmarker.info) } }
        let width = max(1, roundEven(Double(image.width) * scale)), height = max(1, roundEven(Double(image.height) * scale))
        let fx = Double(image.width) / Double(width), fy = Double(image.height) / Double(height)
        return try detector.detect(resize(image, width, height), minFace: large).map { (found: Place) -> Place in
            var place = found
            place.box = Box(place.box.x * fx, place.box.y * fy, place.box.width * fx, place.box.height * fy)
            return inFace(place, landmarker.info)
        }
    }

    /// A new track, with the number of a lost one if it is given.
    private func begin(_ face: DetectedFace, number: Int?) {
        if number == nil { ids += 1 }
        let id = number ?? ids
        lost = lost.filter { $0.id != id }
        tracks = (tracks + [Track(id, face, place(face), checkAt: frame + soon)]).sorted { $0.id < $1.id }
    }

    private func confirm(_ track: Track) {
        track.confirmed = true
        track.misses = 0
        track.checkAt = frame + checkEvery
    }

    private func lose(_ track: Track) {
        tracks = tracks.filter { $0 !== track }
        lost.append(track)
        track.lostAt = frame
        searchAt = frame
    }
}
