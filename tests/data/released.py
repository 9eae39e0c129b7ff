"""Generated faces in the formats of the released datasets."""

import csv
import json

import cv2
import numpy as np

from keras_fld.data import synthetic
from keras_fld.data.readers import wflw


def drawn(count, scheme, size=64):
    """The first generated faces in a scheme."""
    return [synthetic.draw(index, size=size, scheme=scheme) for index in range(count)]


def write_cofw(path, ending, faces, gray=(), occluded=None):
    """A COFW file: MATLAB 7.3, which is HDF5 with transposed arrays after 512 bytes of header."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        references = file.create_dataset(f"Is{ending}", (1, len(faces)), h5py.ref_dtype)
        table = np.zeros((87, len(faces)))
        boxes = np.zeros((4, len(faces)))
        for i, face in enumerate(faces):
            image = face.image[..., 1] if i in gray else face.image
            stored = file.create_dataset(f"#refs#/{i}", data=np.ascontiguousarray(image.T))
            references[0, i] = stored.ref
            table[:58, i] = face.landmarks.T.ravel() + 1
            if occluded is not None:
                table[58:, i] = occluded[i]
            boxes[:, i] = 5 + i, 6, 40, 41
        file[f"phis{ending}"], file[f"bboxes{ending}"] = table, boxes
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(512, b"\0"))


def aflw_variables(names, faces, visible, order):
    """The variables of AFLWinfo_release.mat; boxes are squares with side 10 + the row's number."""
    cells = np.empty((len(names), 1), object)
    cells[:, 0] = names
    rows = np.arange(len(names))
    return {
        "bbox": np.column_stack([8 + 0 * rows, 18 + rows, 9 + 0 * rows, 19 + rows]).astype(float),
        "data": np.stack([face.landmarks.T.ravel() for face in faces]).astype(float),
        "mask_new": np.asarray(visible, float),
        "nameList": cells,
        "ra": np.asarray(order, float)[None] + 1,
    }


def write_aflw(root, names, faces, visible, order):
    """AFLW: the annotation file and the photographs it names."""
    from scipy.io import savemat

    for name, face in zip(names, faces, strict=True):
        save_image(root / "data/flickr" / name, face.image)
    savemat(root / "AFLWinfo_release.mat", aflw_variables(names, faces, visible, order))


def wflw_line(face, attributes, name):
    points = " ".join(f"{v:.6f}" for v in face.landmarks.ravel())
    return f"{points} 3 4 50 60 {' '.join(map(str, attributes))} {name}"


def write_wflw(root, half, faces, attributes):
    """WFLW: one list file and the photographs it names."""
    lists = root / wflw.LISTS
    lists.mkdir(parents=True, exist_ok=True)
    lines = []
    for i, (face, flags) in enumerate(zip(faces, attributes, strict=True)):
        name = f"{i}--Event/{half}_{i}.png"
        save_image(root / wflw.IMAGES / name, face.image)
        lines.append(wflw_line(face, flags, name))
    (lists / f"list_98pt_rect_attr_{half}.txt").write_text("\n".join(lines) + "\n")


FIVE = {
    "name": "five",
    "landmarks": ["left eye", "right eye", "nose", "left mouth", "right mouth"],
    "mirror_pairs": [["left eye", "right eye"], ["left mouth", "right mouth"]],
    "eyes": [["left eye"], ["right eye"]],
    "patches": {"upper": ["left eye", "right eye"], "lower": ["nose", 3, 4]},
    "lines": [["left mouth", "right mouth"]],
}
# The five landmarks among the 68 of iBUG; an eye is the middle of its corners.
_FIVE_OF_68 = ((36, 39), (42, 45), (30,), (48,), (54,))


def five(face):
    """The five landmarks of a drawn face: (5, 2)."""
    return np.stack([face.landmarks[list(group)].mean(axis=0) for group in _FIVE_OF_68])


def _own_records(folder, pairs, splits=None):
    """Writes the photographs of (image, landmarks), and returns what a file says of each."""
    records = []
    for i, (image, points) in enumerate(pairs):
        save_image(folder / f"photos/{i}.png", image)
        split = {"split": splits[i]} if splits else {}
        records.append({"image": f"photos/{i}.png", **split, "points": points.tolist()})
    return records


def write_faces(folder, scheme, pairs, splits=None):
    """The package's JSON of (image, landmarks) in a scheme, which has a name or a definition."""
    records = _own_records(folder, pairs, splits)
    path = folder / "faces.json"
    path.write_text(json.dumps({"scheme": scheme, "faces": records}))
    return path


def write_own(folder, count=8, tests=3, kind="json"):
    """Faces with a scheme of five landmarks, as JSON or CSV; the last ones are test faces."""
    pairs = [(face.image, five(face).round(4)) for face in drawn(count, "ibug68")]
    splits = ["train" if i < count - tests else "test" for i in range(count)]
    if kind == "json":
        return write_faces(folder, FIVE, pairs, splits)
    records = _own_records(folder, pairs, splits)
    path = folder / "faces.csv"
    (folder / "faces.scheme.json").write_text(json.dumps(FIVE))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        header = [f"{name}_{axis}" for name in FIVE["landmarks"] for axis in "xy"]
        writer.writerow(["image", "split", *header])
        for record in records:
            writer.writerow([record["image"], record["split"], *np.ravel(record["points"])])
    return path


def write_coco(folder, count=4, scheme="ibug68", hidden=(), unset=()):
    """A file of COCO keypoints as in its documentation, with a face in each photograph.

    Args:
        folder: output folder.
        count: number of faces.
        scheme: scheme of the faces; the keypoints have its landmarks in another order.
        hidden, unset: landmarks with visibility 1 and 0.
    """
    faces = drawn(count, scheme)
    order = np.random.default_rng(0).permutation(len(faces[0].landmarks)).tolist()
    images, annotations = [], []
    for i, face in enumerate(faces):
        save_image(folder / f"images/{i}.png", face.image)
        images.append({"id": 100 + i, "file_name": f"{i}.png", "width": 64, "height": 64})
        keypoints = []
        for index in order:
            x, y = face.landmarks[index].tolist()
            visibility = 0 if index in unset else 1 if index in hidden else 2
            keypoints += [x, y, visibility] if visibility else [0, 0, 0]
        about = {"id": i + 1, "image_id": 100 + i, "category_id": 7, "iscrowd": 0}
        annotations.append({**about, "num_keypoints": len(order), "keypoints": keypoints})
    names = [str(index) for index in order]
    category = {"id": 7, "name": "face", "keypoints": names, "skeleton": [[1, 2]]}
    content = {"info": {}, "images": images, "annotations": annotations, "categories": [category]}
    path = folder / "annotations.json"
    path.write_text(json.dumps(content))
    return path


def labelme_content(image, points, groups=(None,), **others):
    """A labelme 5 file for a photograph: `points` maps labels to (x, y), for one or more faces."""
    shapes = [
        {
            "label": label,
            "points": [[float(x), float(y)]],
            "group_id": group,
            "description": "",
            "shape_type": "point",
            "flags": {},
            "mask": None,
        }
        for group, face in zip(groups, points, strict=True)
        for label, (x, y) in face.items()
    ]
    about = {"version": "5.5.0", "flags": {}, "imagePath": image, "imageData": None}
    return {**about, "imageHeight": 64, "imageWidth": 64, "shapes": shapes, **others}


def write_labelme(folder, count=4):
    """A labelme folder with a face in each photograph, labeled by number."""
    for i, face in enumerate(drawn(count, "ibug68")):
        save_image(folder / f"{i}.png", face.image)
        points = {str(index): point for index, point in enumerate(face.landmarks)}
        content = labelme_content(f"{i}.png", [points])
        (folder / f"{i}.json").write_text(json.dumps(content, indent=2))
    return folder


def save_image(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])
