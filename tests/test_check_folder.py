"""A folder of pictures before training: `check_folder`, the contact sheet, `pycnn check`."""

import json

import numpy as np
import pytest
from PIL import Image

from pycnn.cli import main
from pycnn.preprocessing.image import check_folder, contact_sheet
from pycnn.preprocessing.image.contact_sheet import sheet_of


@pytest.fixture
def folder(rng, tmp_path):
    """Four bags, of which one is a copy in another format and one is broken; a shoe that is a bag; no hat."""
    top = tmp_path / "photos"
    for label in ("bag", "hat", "shoe"):
        (top / label).mkdir(parents=True)
    first = Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8))
    first.save(top / "bag" / "1.png")
    first.save(top / "bag" / "2.bmp")
    first.save(top / "shoe" / "1.png")
    Image.fromarray(rng.integers(0, 256, (8, 9), np.uint8)).save(top / "bag" / "3.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20), "red").save(top / "bag" / "4.jpg", exif=exif)
    whole = (top / "bag" / "1.png").read_bytes()
    (top / "bag" / "5.png").write_bytes(whole[: len(whole) // 2])
    (top / "bag" / "6.jpg").write_text("no picture")
    (top / "bag" / "7.jpg").write_bytes(b"")
    (top / "bag" / "notes.txt").write_text("text")
    Image.fromarray(np.full((5, 5), 40000, np.uint16)).save(top / "loose.png")
    return top


def test_report(folder):
    report = check_folder(folder)
    assert report.counts == {"": 1, "bag": 4, "hat": 0, "shoe": 1}
    assert report.sizes == {(20, 30): 4, (8, 9): 1, (5, 5): 1}
    assert report.modes == {"RGB": 4, "L": 1, "I;16": 1}
    assert report.others == {".txt": 1}
    copies = [sorted(picture.path for picture in group) for group in report.duplicates]
    assert copies == [["bag/1.png", "bag/2.bmp", "shoe/1.png"]]
    reasons = {one.path: one.reason.split(":")[0] for one in report.broken}
    assert reasons == {
        "bag/5.png": "damaged",
        "bag/6.jpg": "no format that Pillow reads",
        "bag/7.jpg": "empty",
    }
    assert report.remarks() == [
        "3 files cannot be read",
        "2 pictures more than once",
        "1 picture in more than one class",
        "classes without a picture: hat",
        "the largest class has 4.0 times the pictures of the smallest",
        "3 modes: RGB, I;16, L",
        "1 picture turned by EXIF: give load_img orientation=True",
        "1 picture beside the class folders",
    ]


def test_nothing_to_remark(rng, tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(3):
            pixels = rng.integers(0, 256, (4, 5), np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{number}.png")
    assert check_folder(tmp_path).remarks() == []
    (tmp_path / "empty").mkdir()
    assert check_folder(tmp_path / "empty").remarks() == ["there is no picture"]


def test_titles_in_other_scripts():
    """Letters that Pillow's font lacks are not the same boxes for all."""
    names = (
        "caf\u00e9",
        "caf\u00e8",
        "\u043a\u043e\u0442",
        "\u043a\u0438\u0442",
        "\u72ac",
        "\u732b",
        "\udcfe",
        "\udcff",
    )
    titles = [np.asarray(sheet_of([(name, [])], 8)) for name in names]
    assert len({title.tobytes() for title in titles}) == len(names)


def test_contact_sheet(folder):
    sheet = contact_sheet(check_folder(folder), columns=4)
    assert sheet.size == (6 + 4 * 102, 6 + 3 * 126)
    red = np.array(sheet)[6 + 126 + 24 :][:96, 6 + 3 * 102 :][:, :96].astype(int)
    # 30 x 20 pixels, turned upright, in the middle of their square.
    is_red = (red[:, :, 0] > 200) & (red[:, :, 1] < 60)
    assert is_red.sum() == 30 * 20
    assert is_red.any(axis=1).sum() == 30
    with pytest.raises(ValueError, match="at most 100"):
        contact_sheet(check_folder(folder), columns=101)
    with pytest.raises(ValueError, match="no picture"):
        contact_sheet(check_folder(folder / "hat"))


def test_command(folder, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert main(["check", str(folder), "--sheet", str(sheet)]) == 0
    text = capsys.readouterr().out
    for expected in ("6 pictures, 3 classes", "66.7%", "30 x 20: 4", "bag/7.jpg: empty", "! 3 files cannot"):
        assert expected in text
    with Image.open(sheet) as image:
        assert image.mode == "RGB"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "sheet.png"]
    assert main(["check", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["classes"] == {"": 1, "bag": 4, "hat": 0, "shoe": 1}
    assert found["sizes"][0] == {"height": 20, "width": 30, "pictures": 4}
    assert len(found["remarks"]) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "there is no folder missing"),
        (["photos", "--sheet", "sheet.txt"], "ends in .png"),
        (["photos", "--sheet", "no/sheet.png"], "there is no folder no"),
        (["photos/hat", "--sheet", "sheet.png"], "no picture"),
    ],
)
def test_command_refuses(arguments, message, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["check", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
