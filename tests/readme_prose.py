"""The README's figures outside its tables, computed from the JSON in results/.

Each function gives the words that the README must have, with its figures as they follow from the
files: after a new measurement the words are others, and `tests/test_readme_figures.py` asks for
them. The other figures of the prose are in `FACTS`.
"""

import zlib

from keras_fld import zoo
from keras_fld._internal.files import read_json
from keras_fld.data import catalog
from keras_fld.reports.comparison import compare
from keras_fld.reproduce.tables import TABLE5
from tests import readme_tables
from tests.readme_tables import RESULTS

NETWORK = "300w_trnet20_"
PRESET = "trnet20_300w"
INT8 = ("int8", "int8")

# Words with figures that are settings, versions that are needed, or the paper's.
FACTS = (
    "assumed ones that train 20,000 faces a second at 512 a step, on links of 10 Gbit/s",
    "Python 3.11 and make",
    "any Python 3.11 environment",
    "prints 95 % bootstrap ranges",
    "the paper's 1.6 % (COFW, AFLW)",
    "up to 32,766 pixels",
    "smaller than 4 % of the longer side",
    "three frames in a row below 0.5",
    "from 0 to 1, 0.5 being the threshold",
    "less than 8 ms of lag",
    "64 pixels, 1.1 times the longer side",
    "The crop is square, 1.1 times the longer side",
    "It needs Python 3.8",
    "older than 2.17",
    "tflite-runtime 2.14 (the last for Python 3.8)",
    "must be 90 % of the package's",
    "within 0.25 px of the crop",  # what tests/web allow
)


def result(name):
    return read_json(RESULTS / name)


def recipe(run):
    return result(f"{run.name}/recipe.json")["recipe"]


def preset(runs, name=PRESET):
    """The run whose benchmark measured the shipped file."""
    found = [run for run in runs.values() if run.preset == name]
    assert found, f"no benchmark.json of results/ has measured the shipped file of {name}"
    return found[0]


def difference(before, after, parts=("model", "model")):
    """Change of the inter-pupil NME on the same faces, and its 95 % range, from low to high."""
    names = zip((before, after), parts, strict=True)
    files = [RESULTS / name / part / "evaluation.json" for name, part in names]
    (row,) = (row for row in compare(*files).rows if row["normalizer"] == "inter_pupil")
    return row["difference"], *row["interval"]


def signed(low, high):
    """A range that has zero in it, or whose ends have one sign; never "-0.000"."""
    return f"{low:.3f} to {high:+.3f}" if low < 0 < high else f"{low:.3f} to {high:.3f}"


def shipped(runs):
    size, _ = preset(runs).files["int8.tflite"]
    faces = preset(runs).row("model")["faces"]
    return [f"a {size / 1e6:.1f} MB `.tflite` file", f"subset of 300W ({faces} faces)"]


def rate(number):
    """A learning rate as the README writes it: 0.0015 is 1.5e-3."""
    factor, power = f"{number:.1e}".split("e")
    return f"{float(factor):g}e{int(power)}"


def five_runs(runs):
    first, second, third, fourth, fifth = (
        runs[NETWORK + name] for name in ("windows", "mtfl", "third", "fourth", "fifth")
    )
    gain, low, high = difference(first.name, second.name)
    epochs = {run.name: recipe(run)["epochs"] for run in (first, second, third, fourth, fifth)}
    return [
        f"{readme_tables.TRAINED_ON:,} faces of 300W for {epochs[first.name]} epochs: "
        f"{first.nme():.3f} %",
        f"went on for {epochs[second.name]} epochs,",
        f"with both: {second.nme():.3f} %, better by {-gain:.3f} (95 % range {-high:.3f} to "
        f"{-low:.3f}",
        f"went on for {epochs[third.name]} epochs,",
        f"with all: {third.nme():.3f} %, no more than chance (range of the difference "
        f"{signed(*difference(second.name, third.name)[1:])})",
        f"The fourth, {epochs[fourth.name]} epochs",
        f"less: {fourth.nme():.3f} % (range {signed(*difference(third.name, fourth.name)[1:])}), "
        f"int8 {fourth.nme('int8'):.3f} "
        f"({signed(*difference(third.name, fourth.name, INT8)[1:])})",
        f"The fifth, {epochs[fifth.name]} epochs",
        f"of twice the width: {fifth.nme():.3f} %, no more than chance "
        f"({signed(*difference(fourth.name, fifth.name)[1:])}), int8 {fifth.nme('int8'):.3f} "
        f"({signed(*difference(fourth.name, fifth.name, INT8)[1:])})",
    ]


def smaller_presets(runs):
    millions = {name: counts["cortex-a76"] for name, _, counts, _ in costs(runs)}
    fast, small = (preset(runs, f"{PRESET}_{name}") for name in ("fast", "small"))
    worse, low, high = difference(preset(runs).name, fast.name, INT8)
    gains = [-difference(f"{run.name}_first", run.name, INT8)[0] for run in (fast, small)]
    return [
        f"{millions[fast.preset]:.1f} and {millions[small.preset]:.1f} instead of "
        f"{millions[PRESET]:.1f} million instructions on a Cortex-A76",
        f"for {recipe(fast)['epochs']} and {recipe(small)['epochs']} epochs, which took "
        f"{gains[0]:.3f} and {gains[1]:.3f} points off",
        f"is {worse:.3f} points worse (int8, paired 95 % range {signed(low, high)})",
    ]


def costs(runs):
    return readme_tables.cost_rows(list(runs.values()))


def targets(runs):
    first, third, fourth, teacher = (
        runs[NETWORK + name] for name in ("windows", "third", "fourth", "teacher")
    )
    (paper,) = (row.paper["common"] for row in TABLE5.rows if row.network)
    return [
        f"below 4.20 and then {paper:.2f}, the paper's figure",
        f"a test-time trick, has {preset(runs).nme('model/flip'):.3f}, the fourth run's "
        f"{fourth.nme('model/flip'):.4f}",
        f"has {first.nme():.2f} %, so faces were lacking; added ones with the network's own "
        f"labels brought {third.nme('int8'):.2f}; and Muon with less change of the faces "
        f"{fourth.nme('int8'):.2f}. By then",
        f"to fit the {readme_tables.TRAINED_ON:,} faces",
        f"{teacher.parameters / 1e6:.1f} million parameters, trained on with the same faces, has "
        f"{teacher.nme():.3f} % and with the mirror image {teacher.nme('model/flip'):.3f}",
    ]


def inter_ocular(runs):
    rows = preset(runs).parts["model"]["rows"]
    (nme,) = (row["nme"] for row in rows if row["normalizer"] == "inter_ocular")
    mine, official = readme_tables.TRAINED_ON, catalog.get("300w").official["train"]
    (paper,) = (row.paper["common"] for row in TABLE5.rows if row.network)
    return [
        f"Inter-ocular, the preset's float32 model has {nme:.3f} %",
        f"The paper gives {paper:.2f} % (inter-pupil, with the refined module) for all "
        f"{official:,} training images",
        f"{mine:,} of the official {official:,} training images ({100 * mine / official:.0f} %)",
    ]


def refined_module(runs):
    run = runs[NETWORK + "enme"]
    gains = {part: 100 * (1 - run.nme(part) / run.nme()) for part in ("refined", "whole", "local")}
    change, low, high = difference(run.name, run.name, ("model", "local"))
    assert f"{gains['whole']:.1f}" == f"{gains['refined']:.1f}", "the control gains the same"
    return [
        f"module gains {gains['refined']:.1f} % relative",
        f"gains {gains['local']:.1f} % (−{-change:.3f} points, 95 % range −{-low:.3f} to "
        f"−{-high:.3f}",
    ]


def pooled_run(runs):
    chosen = recipe(runs[NETWORK + "enme"])
    saved = result(f"{NETWORK}enme/recipe.json")["versions"]
    benchmark = result(f"{NETWORK}enme/benchmark.json")
    tensorflow = result("benchmarks/backends.json")["versions"]["tensorflow"]
    versions = {
        "Python": benchmark["versions"]["python"],
        "TensorFlow": tensorflow,
        "Keras": saved["keras"],
        "ai-edge-litert": benchmark["versions"]["ai-edge-litert"],
    }
    return [
        f"seed {chosen['seed']}, {chosen['epochs']} epochs, batch {chosen['batch_size']}, AdamW at "
        f"{rate(chosen['learning_rate'])}",
        ", ".join(f"{name} {'.'.join(number.split('.')[:2])}" for name, number in versions.items()),
        f"the median of {benchmark['arguments']['runs']} runs",
    ]


def ablation(runs):
    found = result("table2/table2.json")
    steps = {(step["before"], step["after"]): step for step in found["steps"]}
    enme = steps["CNN-6 + LE", "CNN-6 + ENME"]
    wing, mean = (steps[f"CNN-6 + {loss}", "CNN-6 + ENME"] for loss in ("Wing", "NME"))
    network = steps["CNN-6 + ENME", "TRNet-20 + ENME"]
    refined = steps["TRNet-20 + ENME", "TRNet-20 + ENME + RM"]
    nme = {row["method"]: row["measured"]["common"]["nme"] for row in found["rows"]}
    rates = {
        network: {
            s["learning_rate"]
            for row in found["rows"]
            for s in row["searches"].values()
            if row["method"].startswith(network)
        }
        for network in ("CNN-6", "TRNet-20")
    }
    share = 100 * -refined["difference"] / nme["TRNet-20 + ENME"]

    def gain(step):
        low, high = step["interval"]
        return f"{-high:.3f} to {-low:.3f}"

    return [
        f"{found['recipe']['epochs']} epochs at batch {found['recipe']['batch_size']}",
        f"{rate(*rates['CNN-6'])} is the best for CNN-6 whatever the loss, "
        f"{rate(*rates['TRNet-20'])} for TRNet-20",
        f"ENME is {-enme['difference']:.3f} points better than LE (95 % range over faces "
        f"{gain(enme)})",
        f"and {-wing['difference']:.3f} better than Wing ({gain(wing)})",
        f"Between ENME and NME ({-mean['difference']:.3f}, range {gain(mean)})",
        f"TRNet-20 gains {-network['difference']:.3f} points on CNN-6 ({gain(network)}), and the "
        f"refined module {-refined['difference']:.3f} more ({gain(refined)}), {share:.1f} %",
    ]


def training_speed(runs):
    found = result("benchmarks/training.json")
    shares = [loss["percent_of_step"] for loss in found["losses"].values()]
    return [
        f"On TensorFlow XLA runs at {found['settings']['jit_compile']['ratio_to_default']:.2f} "
        f"times the plain speed, and the losses cost {min(shares):.2f} to {max(shares):.2f} % of a "
        "step",
    ]


def detection(runs):
    rows = {row["part"]: row["cpu_ms"] for row in result("detection/speed.json")["rows"]}
    (missed, *_) = result("detection/haar/detection.json")["rows"]
    profiles = rows["haar, no face"] / rows["haar-frontal, no face"]
    return [
        f"to the first landmarks, detection included, {rows['first result'] / 1000:.2f} s of "
        "processor time",
        f"a pass takes {rows['landmarks']:.1f} ms of processor time, the cascade "
        f"{rows['haar, face']:.0f}",
        f"{missed['annotated_missed']:.2f} % with their annotated box",
        f"{profiles:.1f} times as long on such an image",
    ]


def face_score(runs):
    found, training = result("score/score.json"), result("score/training.json")
    costs, detector = found["costs"], found["detector"]
    assert found["faces"]["kept"] == detector["kept"] == 1, "it keeps all"
    return [
        f"({training['parameters']:,} parameters",
        f"it keeps all of {found['faces']['faces']} faces and {100 * found['half']['kept']:.1f} % "
        f"of half-covered ones, and takes {100 * found['faces']['taken']:.1f} % of other crops for "
        f"faces; where landmarks have wandered off, {100 * found['landmarks']['taken']:.1f} %",
        f"it keeps all {detector['faces']}, of its {detector['others']} other boxes "
        f"{detector['taken']}",
        f"takes {costs['score_over_landmark_model']:.2f} times the landmark model's time",
        f"{costs['detect_with_over_without']:.2f} times as long with it, and tracking "
        f"{costs['track_with_over_without']:.2f} times",
    ]


def video(runs):
    one, two = result("benchmarks/video.json")["rows"]
    slowest = max(one["slowest_frame_cpu_ms"], two["slowest_frame_cpu_ms"])
    return [
        f"one face {one['frames_per_second']:.0f} frames/s, two faces "
        f"{two['frames_per_second']:.0f}",
        f"The median frame takes {one['median_frame_cpu_ms']:.1f} ms, one with a search up to "
        f"{slowest:.0f} ms",
    ]


def first_minutes(runs):
    found = result("first_minutes.json")
    seconds = found["seconds"]
    return [
        f"installation {seconds['install']:.1f} s, landmarks on a photograph "
        f"{seconds['photo']:.1f} s, on a folder of {found['photos']} {seconds['folder']:.1f} s, on "
        f"ten seconds of 640x480 video with everything drawn {seconds['video']:.1f} s, and that "
        f"notebook {seconds['notebook']:.1f} s",
    ]


def preparation(runs):
    few, many = result("benchmarks/prepare.json")["rows"]
    largest = {round(row["largest_worker_resident_megabytes"]) for row in (few, many)}
    assert len(largest) == 1, "both numbers of faces take the same memory"
    return [
        f"Preparing {few['faces']:,} and {many['faces']:,} generated faces takes the same memory, "
        f"{largest.pop()} MB in the largest process",
    ]


def batches(runs):
    sources = result("benchmarks/data.json")["sources"]
    prepared, photographs = sources["prepared"], sources["photographs"]
    waiting = max(prepared["waiting_percent"], photographs["waiting_percent"])
    return [
        f"prepared shards give {round(prepared['faces_per_second'], -2):,.0f} faces/s",
        f"decoded each time, {photographs['faces_per_second']:,.0f}; training waits "
        f"{waiting:.1f} % of its time for either",
    ]


def preparation_plan(runs):
    found = result("benchmarks/prepare_core.json")
    speed = found["terabytes"] * 1e6 / (found["hours"] * 3600)
    return [
        f"{found['faces'] / 1e6:.0f} million faces are {found['shards']:,} shards and "
        f"{found['terabytes']:.2f} TB ({found['bytes_per_face']:,.0f} bytes a face)",
        f"A face takes {1000 * found['seconds_per_face']:.1f} ms of one core",
        f"so all take {found['core_hours']:.0f} core-hours: {60 * found['hours']:.0f} minutes on "
        f"{found['cores']} cores, if the storage keeps up ({round(speed, -1):,.0f} MB/s written)",
        f"Measured on {found['photographs']} generated photographs",
    ]


def phone(runs):
    folder = preset(runs).name
    found = result(f"{folder}/benchmark.json")
    (nme,) = (
        row["nme_percent"] for row in found["results"] if row["model"].endswith("int8.tflite")
    )
    return [
        f"({nme:.2f} % for the int8 preset:",
        f"the paper's {found['paper']['frames_per_second']} frames/s on a "
        f"{found['paper']['device']}",
        f"int8 is {int8_speed(runs, 'fifth'):.2f} times as fast as float32 on a quiet Intel Xeon",
        f"and {int8_speed(runs, 'mtfl'):.2f} times on an AMD EPYC",
    ]


def int8_speed(runs, name):
    files = runs[NETWORK + name].files
    return files["float32.tflite"][1] / files["int8.tflite"][1]


def compression(runs):
    qat = {model["name"]: model["nme"]["common"] for model in models_of("qat")}
    saved = {}
    for name, packed in (("cluster16", "cluster, int8"), ("prune50", "prune, int8")):
        found = {model["name"]: model for model in models_of(name)}
        plain, small = found["int8"], found[packed]
        less = 100 * (1 - small["gzip_bytes"] / plain["gzip_bytes"])
        saved[name] = (less, small["nme"]["common"] - plain["nme"]["common"])
    return [
        f"{qat['int8_qat']:.3f} % on 300W common against {qat['int8']:.3f} % of plain int8",
        "16 weights a layer take {:.0f} % off the int8 file's gzip size for {:.3f} points".format(
            *saved["cluster16"]
        ),
        "half the weights takes {:.0f} % for {:.3f}".format(*saved["prune50"]),
    ]


def models_of(name):
    return result(f"compress/{name}_trnet20_300w.json")["models"]


def arm(runs):
    found = result("arm/arm.json")
    entries = {model["model"].removesuffix("_int8.tflite"): model for model in found["models"]}
    shipped = {name: entries[name] for name in zoo.names()}
    off = max(row["output_off"] for model in shipped.values() for row in model["results"])
    nmes = {
        name: {cpu: value["common"] for cpu, value in entry["nme"].items() if cpu != "dataset"}
        for name, entry in shipped.items()
    }
    nme = nmes.pop(PRESET)
    others = max(abs(x - found["x86"]) for found in nmes.values() for x in found.values())
    # trnet20_synthetic is the network of the runs before.
    mine, before = (
        [row["instructions"] for row in shipped[name]["results"]]
        for name in (PRESET, "trnet20_synthetic")
    )
    saved = [100 - 100 * a / b for a, b in zip(mine, before, strict=True)]
    assert f"{nme['cortex-a53']:.4f}" == f"{nme['cortex-a72']:.4f}" and found["faces"] == 4
    return [
        f"by at most {off:.2f} px of the crop on the four faces compared",
        f"`{PRESET}` has {nme['x86']:.4f} % on x86, {nme['cortex-a53']:.4f} on the A53 and the "
        f"A72, and {nme['cortex-a76']:.4f} on the A76; the other presets' NME parts by at most "
        f"{others:.4f}",
        f"saves a phone {min(saved):.0f} to {max(saved):.0f} % of the instructions",
    ]


def page_size(runs):
    files = (zoo.score_file().parents[1] / "web" / "page").rglob("*")
    packed = sum(len(zlib.compress(path.read_bytes())) for path in files if path.is_file())
    return [f"The page adds {packed / 1e6:.1f} MB"]


def score_cost(runs):
    models = {entry["model"]: entry["macs"] for entry in result("arm/arm.json")["models"]}
    share = 100 * models["face_score.tflite"] / models[f"{PRESET}_int8.tflite"]
    return [f"{share:.1f} % of TRNet-20's multiplications"]


def hardening(runs):
    faults, fuzz = result("hardening/faults.json"), result("hardening/fuzz.json")
    long = sum(run["seconds"] for run in result("hardening/long.json")["runs"].values())
    hours = [seconds / 3600 for seconds in (faults["seconds"], fuzz["last_seconds"], long)]
    words = {10: "ten", 20: "twenty", 50: "fifty"}
    return [
        f"`make kills`, {words[faults['training']['kills']]} times each kind "
        f"({hours[0]:.2f} hours)",
        f"`make fuzz`, {words[fuzz['last_seconds'] / fuzz['readers'] / 60]} minutes for each "
        f"reader ({hours[1]:.2f} hours for the {words[fuzz['readers']]}",
        f"memory over long work ({hours[2]:.2f} hours); {sum(hours):.2f} hours in all",
    ]


def pfld(runs):
    found = result("pfld.json")
    millions = found["million_instructions"]["cortex-a76"]
    return [f"for comparison, {found['nme']:.2f} % and {millions:.1f} million"]


def processes(runs):
    found = result("benchmarks/processes.json")
    data, step, fit = (found["parts"][part]["ratio"] for part in ("data", "step", "fit"))
    return [
        f"*d* is {1000 * found['data_seconds']:.2f} ms and *s* {found['step_seconds']:.2f} s for "
        f"{found['batch']} faces",
        f"draw {data:.2f}, step {step:.2f} and train {fit:.2f} times as many faces a second as one",
    ]


def small_faces(runs):
    (found,) = (x for x in result("small_faces.json")["presets"] if x["preset"] == PRESET)
    nme = {int(size): value for size, value in found["nme_by_box_side"].items()}
    most = max(value for size, value in nme.items() if size >= 48) - nme[0]
    return [f"Faces of 48 pixels and more lose at most {most:.2f} points"]


CLAIMS = (
    pfld,
    processes,
    small_faces,
    shipped,
    five_runs,
    smaller_presets,
    targets,
    inter_ocular,
    refined_module,
    pooled_run,
    ablation,
    training_speed,
    detection,
    face_score,
    video,
    first_minutes,
    preparation,
    batches,
    preparation_plan,
    phone,
    compression,
    arm,
    page_size,
    score_cost,
    hardening,
)
