import numpy as np
import pytest

from keras_fld.reports import curves
from keras_fld.reports.training_log import read_log

pytest.importorskip("matplotlib")

LOG = "epoch,loss,nme,seconds,val_loss,val_nme\n0,8.5,30.1,4.2,NA,\n1,5.0,20,4.1,6.0,22\n"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return path


def colored(picture):
    """Pixels that are neither white, black nor gray: those of curves."""
    return np.ptp(picture.astype(int), axis=-1) > 60


def test_a_log_is_read_with_what_it_lacks(log):
    found = read_log(log)
    assert list(found) == LOG.splitlines()[0].split(",")
    np.testing.assert_array_equal(found["loss"], [8.5, 5.0])
    np.testing.assert_array_equal(found["val_nme"], [np.nan, 22])
    log.write_text(LOG + "2,4.1,17.2,4")
    assert len(read_log(log)["epoch"]) == 2, "an epoch that is being written"
    log.write_text("")
    assert len(read_log(log)["epoch"]) == 0


def test_a_panel_for_the_loss_and_each_metric(log):
    picture = curves.training_curves(log)
    assert picture.shape == (480, 1200, 3) and picture.dtype == np.uint8
    for panel in (picture[:, :600], picture[:, 600:]):
        hues = {tuple(c // 40) for c in panel[colored(panel)]}
        assert len(hues) >= 2, "training and held-out faces"
    np.testing.assert_array_equal(picture, curves.training_curves(read_log(log)))


def test_an_unfinished_run_leaves_room_for_what_is_to_come(log):
    def reach(picture):
        """How far right the curves of the first panel go, the legend left out."""
        return np.flatnonzero(colored(picture[100:, :600]).any(axis=0)).max()

    log.write_text("epoch,loss\n" + "".join(f"{i},{5 - i / 10}\n" for i in range(20)))
    whole, half = curves.training_curves(log), curves.training_curves(log, epochs=40)
    assert reach(whole) > 560 and 300 < reach(half) < 340


def test_a_single_epoch_is_a_point(log):
    log.write_text("epoch,loss\n0,5.5\n")
    assert colored(curves.training_curves(log)[60:-60]).sum() > 10


def test_a_log_without_an_epoch_cannot_be_drawn(log):
    log.write_text("epoch,loss\n")
    with pytest.raises(ValueError, match="log.csv: a log must contain at least one epoch"):
        curves.training_curves(log)


def test_error_curves_are_steps_at_the_errors():
    picture = curves.ced_curves({"all": np.full(50, 5.0), "none": [np.nan]})
    assert picture.shape == (514, 720, 3), "one line below the curves"
    columns = colored(picture[:300]).sum(axis=0)
    x = int(columns.argmax())
    frame = (picture[30:400] < 60).all(axis=-1).mean(axis=0) > 0.9
    left, right = np.flatnonzero(frame)[[0, -1]]
    assert columns[x] > 250, "one vertical step"
    assert (x - left) / (right - left) == pytest.approx(0.5, abs=0.01)


def axes_of(picture):
    """Rows and columns of the frame around the curves."""
    dark = (picture < 60).all(axis=-1)
    rows = np.flatnonzero(dark[:, :600].sum(axis=1) > 380)
    columns = np.flatnonzero(dark.sum(axis=0) > 200)
    columns = columns[columns < 720]
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_the_legend_of_error_curves_is_beside_them():
    errors = {f"model_{i}.keras, flip-averaged challenge": np.full(50, 9.0) for i in range(4)}
    picture = curves.ced_curves(errors)
    top, bottom, left, right = axes_of(picture)
    # Every curve stays at 0 % until 9 %: to its left nothing else is drawn.
    inside = picture[top + 5 : bottom - 8, left + 5 : left + (right - left) * 85 // 100]
    assert inside.min() > 150, "grid lines only"
    assert colored(picture[bottom + 20 :]).sum() > 4 * 30, "the lines of the legend are below"


def test_the_legend_of_training_curves_is_beside_them(log):
    log.write_text("epoch,loss\n" + "".join(f"{i},{5 + i}\n" for i in range(20)))  # rises
    picture = curves.training_curves(log)
    top, bottom, left, right = axes_of(picture)
    corner = picture[top + 5 : (top + bottom) // 3, left + 5 : (left + right) // 2]
    assert corner.min() > 150 and colored(picture[: top - 2]).sum() > 20
    log.write_text("epoch,loss\n" + "".join(f"{i},5.5\n" for i in range(20)))
    flat = curves.training_curves(log)
    top, bottom, left, right = axes_of(flat)
    upper = flat[top + 5 : top + (bottom - top) // 3, left + 5 : right - 5]
    assert upper.min() > 150, "grid lines only"
