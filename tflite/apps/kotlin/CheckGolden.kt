// Checks KerasFld.kt against golden.json: numbers within 0.001, bytes within 1, nearly all of them equal.
//
//     kotlinc KerasFld.kt CheckGolden.kt -include-runtime -d check.jar && java -jar check.jar ../golden.json
//
// Prints a line for each step, and exits with 1 at the first difference.
package kerasfld

import java.io.File
import java.util.Base64
import kotlin.math.abs
import kotlin.system.exitProcess

/** JSON as maps, lists, texts, doubles, booleans and null; texts have no escapes. */
private class Reader(private val text: String) {
    private var at = 0

    fun value(): Any? = when (peek()) {
        '{' -> HashMap<String, Any?>().also { items('}') { val key = string(); at = text.indexOf(':', at) + 1; it[key] = value() } }
        '[' -> ArrayList<Any?>().also { items(']') { it.add(value()) } }
        '"' -> string()
        'n' -> null.also { at += 4 }
        't' -> true.also { at += 4 }
        'f' -> false.also { at += 5 }
        else -> {
            val start = at
            while (text[at] !in ",]} \n") at++
            text.substring(start, at).toDouble()
        }
    }

    private fun peek(): Char {
        while (text[at] in " \n") at++
        return text[at]
    }

    private fun items(end: Char, item: () -> Unit) {
        at++
        while (peek() != end) {
            item()
            if (peek() == ',') at++
        }
        at++
    }

    private fun string(): String {
        peek()
        val end = text.indexOf('"', at + 1)
        return text.substring(at + 1, end).also { at = end + 1 }
    }
}

private class Different(message: String) : Exception(message)

/** A step's table, and what was compared in it. */
private class Check(val step: String) {
    var numbers = 0
    var bytes = 0
    var bytesOff = 0

    fun number(found: Double, right: Double) {
        numbers++
        if (found != right && !(abs(found - right) <= 0.001)) throw Different("$step: $found must be $right")
    }

    fun number(found: Int, right: Any?) = number(found.toDouble(), right as Double)

    fun truth(found: Boolean, right: Any?) { if (found != right) throw Different("$step: $found must be $right") }

    fun points(found: List<Point>, right: List<Point>) {
        number(found.size, right.size.toDouble())
        found.zip(right).forEach { (a, b) -> number(a.x, b.x); number(a.y, b.y) }
    }

    fun matrix(a: Matrix, b: Matrix) = points(
        listOf(Point(a.a, a.b), Point(a.c, a.d), Point(a.e, a.f)), listOf(Point(b.a, b.b), Point(b.c, b.d), Point(b.e, b.f)))

    fun box(a: Box, b: Box) = points(listOf(Point(a.x, a.y), Point(a.width, a.height)), listOf(Point(b.x, b.y), Point(b.width, b.height)))

    fun image(found: Image, right: Image) {
        number(found.width, right.width.toDouble())
        number(found.height, right.height.toDouble())
        for (i in found.data.indices) {
            val difference = abs(found[i] - right[i])
            if (difference > 1) throw Different("$step: byte $i is ${found[i]}, must be ${right[i]}")
            bytesOff += difference
        }
        bytes += found.data.size
        if (bytesOff * 1000L > bytes + 3000) throw Different("$step: $bytesOff of $bytes bytes differ by 1")
    }
}

private operator fun Any?.get(key: String): Any? {
    val table = this as Map<*, *>
    if (key !in table) throw Different("golden.json has no $key")
    return table.entries.first { it.key == key }.value
}

private val Any?.list get() = this as List<*>
private val Any?.double get() = this as Double
private val Any?.int get() = (this as Double).toInt()
private val Any?.doubles get() = list.map { it.double }
private val Any?.points get() = list.map { Point(it.doubles[0], it.doubles[1]) }
private val Any?.box get() = doubles.let { Box(it[0], it[1], it[2], it[3]) }
private val Any?.bytes get() = Base64.getDecoder().decode(this as String)
private val Any?.image get() = Image(this["width"].int, this["height"].int, this["rgb"].bytes)
private val Any?.matrix get() = list.let { (a, b) -> Matrix(a.doubles[0], a.doubles[1], a.doubles[2], b.doubles[0], b.doubles[1], b.doubles[2]) }
private val Any?.crop get() = FaceCrop(this["size"].int, this["margin"].double)

private fun matrices(golden: Any?, check: Check) = golden["matrix"].list.forEach {
    val m = it.crop.matrix(it["box"].box, it["angle"].double)
    check.matrix(m, it["matrix"].matrix)
    check.points(it["points"].points.map { p -> transform(p, invert(m)) }, it["in_picture"].points)
}

private fun crops(golden: Any?, check: Check) = golden["crop"].list.forEach {
    check.image(warp(golden["picture"].image, it.crop.matrix(it["box"].box, it["angle"].double), it["size"].int), it.image)
}

private fun letterbox(golden: Any?, check: Check) = golden["tiles"].list.forEach {
    val picture = golden["picture"].image
    val sides = levelSides(maxOf(picture.width, picture.height), it["size"].int, it["smallest"].double)
    check.points(sides.map { side -> Point(side.toDouble(), 0.0) }, it["sides"].doubles.map { side -> Point(side, 0.0) })
    val found = tiles(picture, it["size"].int, sides)
    check.number(found.size, it["count"])
    it["shown"].list.zip(it["tiles"].list).forEach { (place, right) ->
        val tile = found[place.int]
        check.matrix(tile.toPhoto, right["to_photo"].matrix)
        val low = right["low"].list.map { v -> v as Double? ?: Double.NEGATIVE_INFINITY }
        val high = right["high"].list.map { v -> v as Double? ?: Double.POSITIVE_INFINITY }
        check.points(listOf(tile.low, tile.high), listOf(Point(low[0], low[1]), Point(high[0], high[1])))
        check.image(tile.image, right.image)
    }
}

private fun network(name: Any?) = BlazeNet(name == "full") { emptyList() }

private fun anchors(golden: Any?, check: Check) = golden["anchors"].list.forEach {
    val net = network(it["network"])
    check.number(net.size, it["size"])
    check.number(net.centers.size, it["count"])
    check.points(net.centers.filterIndexed { i, _ -> i % it["every"].int == 0 }, it["centers"].points)
}

private fun sameFaces(check: Check, found: List<BlazeFaceFace>, right: Any?) {
    check.number(found.size, right.list.size.toDouble())
    found.zip(right.list).forEach { (face, row) ->
        val numbers = face.points.flatMap { listOf(it.x, it.y) } + face.side + face.score
        numbers.zip(row.doubles).forEach { (a, b) -> check.number(a, b) }
    }
}

/** Writes the listed anchors of a detector's answer into its whole outputs. */
private fun fill(answer: Any?, numbers: FloatArray, logits: FloatArray) = answer["anchors"].list.forEachIndexed { i, anchor ->
    logits[anchor.int] = answer["logits"].doubles[i].toFloat()
    answer["numbers"].list[i].doubles.forEachIndexed { k, v -> numbers[16 * anchor.int + k] = v.toFloat() }
}

private fun decoding(golden: Any?, check: Check) {
    golden["coefficients"].list.zip(BOX_MAP).forEach { (right, found) ->
        right.doubles.zip(found.toList()).forEach { (a, b) -> check.number(b, a) }
    }
    golden["decode"].list.forEach {
        val net = network(it["network"])
        val numbers = FloatArray(16 * net.centers.size)
        val logits = FloatArray(net.centers.size) { _ -> it["nothing"].double.toFloat() }
        fill(it, numbers, logits)
        val found = net.decode(numbers, logits, it["threshold"].double)
        check.number(found.size, it["found"])
        val merged = best(found)
        sameFaces(check, merged, it["faces"])
        sameFaces(check, merged.map { face -> face.moved(it["matrix"].matrix) }, it["moved"])
        merged.forEachIndexed { i, face ->
            check.number(face.angle, it["angles"].doubles[i])
            check.number(turnOnGrid(face.angle), it["angles_on_grid"].doubles[i])
            val box = tightBox(face)
            check.box(box, it["boxes"].list[i].box)
            fun grid(v: Double) = onGrid(v, face.side)
            check.box(Box(grid(box.x), grid(box.y), grid(box.width), grid(box.height)), it["boxes_on_grid"].list[i].box)
        }
    }
}

private fun places(golden: Any?, check: Check) = golden["next_place"].list.forEach {
    val eyes = golden["eyes"].list.map { eye -> eye.list.map { i -> i.int }.toIntArray() }
    val place = nextPlace(it["landmarks"].points, ModelInfo(FaceCrop(64, 1.1), eyes, emptyList()), it["near"].double)
    check.number(place.angle, it["angle"].double)
    check.box(place.box, it["box"].box)
    val frame = FaceCrop(64, 1.1)
    val before = frame.matrix(it["before"].box, it["near"].double)
    check.number(cropShift(frame.matrix(place.box, place.angle), before, 64), it["shift"].double)
}

private fun parts(golden: Any?, check: Check) = golden["box_in_face"].list.forEach {
    val info = ModelInfo(FaceCrop(64, 1.1), emptyList(), emptyList(), it["part"].box)
    val face = Place(it["face"].box, it["angle"].double, 0.5, true)
    val place = inFace(face, info)
    check.box(place.box, it["box"].box)
    check.number(place.angle, it["angle"].double)
    check.number(place.score, 0.5)
    check.box(inFace(place, info).box, place.box)
    check.box(faceAround(place, info).box, face.box)
    check.box(faceAround(face, info).box, face.box)
}

private fun plausibility(golden: Any?, check: Check) = golden["plausible"].list.forEach {
    val shape = golden["mean_shape"].points
    val (off, tilt) = residual(it["landmarks"].points, shape, it["angle"].double)
    check.number(off, it["residual"].double)
    check.number(tilt, it["tilt"].double)
    val before = Place(it["box"].box, it["angle"].double)
    check.truth(plausible(it["landmarks"].points, before, it["width"].int, it["height"].int, shape), it["plausible"])
}

private fun smoothing(golden: Any?, check: Check) = golden["smooth"].list.forEach {
    val filter = OneEuroFilter(it["min_cutoff"].double, it["beta"].double)
    it["frames"].list.forEach { frame ->
        check.points(filter.smooth(frame["points"].points, frame["time"].double, frame["unit"].double), frame["smoothed"].points)
    }
}

private fun grouping(golden: Any?, check: Check) = golden["boxes"].list.forEach {
    val boxes = it["boxes"].list.map { b -> b.box }
    val others = it["others"].list.map { b -> b.box }
    boxes.forEachIndexed { i, box ->
        others.forEachIndexed { k, other -> check.number(overlap(box, other), it["overlap"].list[i].doubles[k]) }
        check.number(others.map { other -> covered(box, other) }.reduce { a, b -> maxOf(a, b) }, it["covered"].doubles[i])
    }
    check.truth(pairs(boxes, others, 0.3) == it["pairs"].list.map { p -> Pair(p.list[0].int, p.list[1].int) }, true)
    check.truth(doubled(others + boxes).toList().sorted() == it["doubled"].list.map { i -> i.int }, true)
}

/**
 * Gives a network's recorded answers, each once, by the mean of what the network is shown: the order in which
 * faces are looked at is free.
 */
private class Answers(list: Any?, private val check: Check) {
    private val left = list.list.toMutableList()

    fun next(mean: Double): Any? {
        val answer = left.firstOrNull { abs(it["mean"].double - mean) <= 0.001 }
            ?: throw Different("${check.step}: a network is shown another picture than Python's, of the mean $mean")
        left.remove(answer)
        return answer
    }

    fun finish() = check.number(left.size, 0.0)
}

/** A frame of the video: a texture, and the picture in several places. */
private fun videoFrame(track: Any?, picture: Image, places: Any?): Image {
    val width = track["width"].int
    val height = track["height"].int
    val data = ByteArray(3 * width * height)
    for (y in 0 until height) for (x in 0 until width) for (k in 0 until 3)
        data[3 * (y * width + x) + k] = ((2 * x * x + y * y + x * y) % 139 + 53).toByte()
    for (place in places.list) for (y in 0 until picture.height) for (x in 0 until picture.width) {
        val u = x + place.list[0].int
        val v = y + place.list[1].int
        if (u in 0 until width && v in 0 until height)
            picture.data.copyInto(data, 3 * (v * width + u), 3 * (y * picture.width + x), 3 * (y * picture.width + x) + 3)
    }
    return Image(width, height, data)
}

private fun tracking(golden: Any?, check: Check) {
    val track = golden["track"]
    val landmarks = Answers(track["landmarks"], check)
    val faces = Answers(track["detector"], check)
    val landmarkNetwork: LandmarkNetwork = { crop ->
        val answer = landmarks.next(crop.map { it.toInt() and 255 }.average())
        answer["output"].list.flatMap { it.doubles }.map { it.toFloat() }.toFloatArray()
    }
    val detectorNetwork: DetectorNetwork = { input ->
        val answer = faces.next((input.map { it.toDouble() }.average() + 1) * 127.5)
        val numbers = FloatArray(16 * 896)
        val logits = FloatArray(896) { track["nothing"].double.toFloat() }
        fill(answer, numbers, logits)
        listOf(logits, numbers)
    }
    val crop = track.crop
    val middle = (crop.size - 1) / 2.0
    val meanShape = golden["mean_shape"].points.map {
        Point(it.x * crop.size / crop.margin + middle, it.y * crop.size / crop.margin + middle)
    }
    val info = ModelInfo(crop, golden["eyes"].list.map { eye -> eye.list.map { it.int }.toIntArray() }, meanShape)
    val tracker = FaceTracker(Landmarker(info, landmarkNetwork), BlazeFace(BlazeNet(network = detectorNetwork)))
    for (frame in track["frames"].list) {
        val found = tracker.update(videoFrame(track, golden["picture"].image, frame["places"]), frame["time"].double)
        check.number(found.size, frame["faces"].list.size.toDouble())
        found.zip(frame["faces"].list).forEach { (face, right) ->
            check.number(face.id, right["id"])
            check.box(face.place.box, right["box"].box)
            check.number(face.place.angle, right["angle"].double)
            check.points(face.landmarks.filterIndexed { i, _ -> i % track["every"].int == 0 }, right["landmarks"].points)
        }
    }
    landmarks.finish()
    faces.finish()
}

private fun camera(golden: Any?, check: Check) {
    golden["yuv"].list.forEach {
        check.image(nv21ToRgb(it["nv21"].bytes, it["width"].int, it["height"].int, it["full_range"] as Boolean), it.image)
    }
    val sensor = golden["sensor"].image
    golden["turn"].list.forEach {
        val mirrored = it["mirrored"] as Boolean
        check.image(turned(sensor, it["degrees"].int, mirrored), it.image)
        val m = turnMatrix(sensor.width, sensor.height, it["degrees"].int, mirrored)
        check.points(it["points"].points.map { p -> transform(p, m) }, it["turned"].points)
    }
}

fun main(arguments: Array<String>) {
    val golden = Reader(File(arguments[0]).readText()).value()
    val steps: List<Pair<String, (Any?, Check) -> Unit>> = listOf(
        Pair("matrix", ::matrices), Pair("crop", ::crops), Pair("tiles", ::letterbox), Pair("anchors", ::anchors),
        Pair("decode", ::decoding), Pair("next_place", ::places), Pair("box_in_face", ::parts),
        Pair("plausible", ::plausibility), Pair("smooth", ::smoothing), Pair("boxes", ::grouping), Pair("track", ::tracking), Pair("camera", ::camera))
    try {
        for ((name, step) in steps) {
            val check = Check(name)
            step(golden, check)
            println("$name: ${check.numbers} numbers, ${check.bytes} bytes, ${check.bytesOff} off by 1")
        }
    } catch (error: Different) {
        System.err.println(error.message)
        exitProcess(1)
    }
}
