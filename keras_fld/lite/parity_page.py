"""The parity report as a self-contained HTML page."""

from html import escape

import numpy as np

from keras_fld.drawing.faces import draw_difference
from keras_fld.reports import html_page


def page(parity):
    """Returns the HTML page of a `Parity`."""
    figures = parity.summary
    rows = [
        (
            f"{row['subset']}, {row['normalizer'].replace('_', '-')}",
            f"{row['nme_reference']:.3f}",
            f"{row['nme']:.3f}",
            f"{row['difference']:+.3f}",
            f"{row['pixels']:.3f}",
        )
        for row in parity.rows
    ]
    landmarks = [
        (str(index), f"{x['mean']:.3f}", f"{x['rms']:.3f}", f"{x['max']:.3f}")
        for index, x in enumerate(parity.landmarks)
    ]
    body = f"""<p>Landmarks of <b class="model">{escape(parity.model)}</b> against
<b class="reference">{escape(parity.reference)}</b> on {len(parity.faces)} test faces of
{escape(parity.dataset)}. Distances are in pixels of the {parity.size}-pixel crop:
mean {figures["mean"]:.3f}, root mean square {figures["rms"]:.3f}, largest {figures["max"]:.3f}.</p>
<h2>Normalized mean error in percent</h2>
{html_page.table(("subset, normalizer", "reference", "model", "difference", "pixels"), rows)}
<h2>Distance of each landmark</h2>
<p>Each circle is at a mean landmark. Its area is proportional to the mean square distance.</p>
{_diagram(parity)}
<h2>Faces with the largest distance</h2>
{"".join(_figure(parity, index) for index in parity.worst)}
<h2>Landmarks, pixels of the crop</h2>
{html_page.table(("landmark", "mean", "root mean square", "largest"), landmarks)}
{html_page.notes(parity.notes)}"""
    return html_page.document(f"Parity of {parity.model}", body)


def _figure(parity, index):
    distances = parity.distances[index]
    caption = (
        f"{parity.faces[index]}: mean {distances.mean():.3f}, "
        f"largest {distances.max():.3f} at landmark {distances.argmax()}"
    )
    image = draw_difference(parity.crops[index], *parity.predictions[:, index])
    return html_page.picture(image, 256, parity.faces[index], caption)


def _diagram(parity):
    """An SVG image of the mean landmarks, with circles for their distances."""
    mean = parity.predictions[0].mean(axis=0)
    rms = np.array([x["rms"] for x in parity.landmarks])
    # The diameter of the largest circle is a tenth of the crop's side.
    radius = rms / max(rms.max(), 1e-9) * parity.size / 20
    circles = "".join(
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{r:.2f}" fill="#c0203a" fill-opacity=".5">'
        f"<title>landmark {i}: {value:.3f}</title></circle>"
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{parity.size / 200:.2f}"/>'
        for i, ((x, y), r, value) in enumerate(zip(mean, radius, rms, strict=True))
    )
    side = parity.size
    return f'<svg width="420" height="420" viewBox="0 0 {side} {side}">{circles}</svg>'
