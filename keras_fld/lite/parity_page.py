"""The parity report as one HTML file that opens without a network."""

import base64
from html import escape

import cv2
import numpy as np

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .2rem .8rem; border-bottom: 1px solid #ccc; text-align: right }
th:first-child, td:first-child { text-align: left }
figure { display: inline-block; margin: 0 1rem 1rem 0; width: 256px; vertical-align: top }
figcaption { font-size: .8rem; overflow-wrap: anywhere }
.reference { color: #0a7d32 } .model { color: #c0203a }
"""
_REFERENCE, _MODEL = (60, 220, 90), (255, 60, 80)
_PICTURE, _BITS = 512, 4


def page(parity):
    """The HTML of a `Parity`."""
    figures = parity.summary
    rows = "".join(
        f"<tr><td>{escape(row['subset'])}, {escape(row['normalizer'].replace('_', '-'))}</td>"
        f"<td>{row['nme_reference']:.3f}</td><td>{row['nme']:.3f}</td>"
        f"<td>{row['difference']:+.3f}</td></tr>"
        for row in parity.rows
    )
    landmarks = "".join(
        f"<tr><td>{index}</td><td>{x['mean']:.3f}</td><td>{x['rms']:.3f}</td>"
        f"<td>{x['max']:.3f}</td></tr>"
        for index, x in enumerate(parity.landmarks)
    )
    faces = "".join(_figure(parity, index) for index in parity.worst)
    notes = "".join(f"<li>{escape(note)}</li>" for note in parity.notes)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Parity of {escape(parity.model)}</title><style>{_STYLE}</style>
<h1>Parity of {escape(parity.model)}</h1>
<p>Landmarks of <b class="model">{escape(parity.model)}</b> against
<b class="reference">{escape(parity.reference)}</b> on {len(parity.faces)} test faces of
{escape(parity.dataset)}. Distances are in pixels of the {parity.size}-pixel crop:
mean {figures["mean"]:.3f}, root mean square {figures["rms"]:.3f}, largest {figures["max"]:.3f}.</p>
<h2>Normalised mean error in per cent</h2>
<table><tr><th>subset, normaliser</th><th>reference</th><th>model</th><th>difference</th></tr>
{rows}</table>
<h2>Distance of each landmark</h2>
<p>Circles lie at the mean landmarks; their area is proportional to the mean square distance.</p>
{_diagram(parity)}
<h2>Faces with the largest distance</h2>
{faces}
<h2>Landmarks, pixels of the crop</h2>
<table><tr><th>landmark</th><th>mean</th><th>root mean square</th><th>largest</th></tr>
{landmarks}</table>
<ul>{notes}</ul></html>
"""


def _figure(parity, index):
    picture = _picture(parity, index)
    # Photographs as JPEG: twelve PNGs would make a page of megabytes.
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    distances = parity.distances[index]
    return (
        f'<figure><img width="256" alt="{escape(parity.faces[index])}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}">'
        f"<figcaption>{escape(parity.faces[index])}: mean {distances.mean():.3f}, "
        f"largest {distances.max():.3f} at landmark {distances.argmax()}</figcaption></figure>"
    )


def _picture(parity, index):
    """A crop with both models' landmarks: (512, 512, 3) uint8 RGB."""
    factor = _PICTURE / parity.size
    size = (_PICTURE, _PICTURE)
    picture = cv2.resize(parity.crops[index], size, interpolation=cv2.INTER_CUBIC)
    for points, colour, radius in zip(
        parity.predictions[:, index], (_REFERENCE, _MODEL), (5, 2.5), strict=True
    ):
        # Pixel centres are at whole numbers in both.
        places = np.round(((points + 0.5) * factor - 0.5) * 2**_BITS).astype(int)
        for place in places:
            centre = tuple(int(v) for v in place)
            thickness = 1 if colour is _REFERENCE else -1
            size = round(radius * 2**_BITS)
            cv2.circle(picture, centre, size, colour, thickness, cv2.LINE_AA, _BITS)
    return picture


def _diagram(parity):
    """SVG of the mean landmarks, each in a circle as large as its distance."""
    mean = parity.predictions[0].mean(axis=0)
    rms = np.array([x["rms"] for x in parity.landmarks])
    # The largest circle has a tenth of the crop's side for its diameter.
    radius = rms / max(rms.max(), 1e-9) * parity.size / 20
    circles = "".join(
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{r:.2f}" fill="#c0203a" fill-opacity=".5">'
        f"<title>landmark {i}: {value:.3f}</title></circle>"
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{parity.size / 200:.2f}"/>'
        for i, ((x, y), r, value) in enumerate(zip(mean, radius, rms, strict=True))
    )
    side = parity.size
    return f'<svg width="420" height="420" viewBox="0 0 {side} {side}">{circles}</svg>'
