"""Exporting refuses what it cannot do, before anything is written."""

import sys

import pytest

import pycnn as keras


def small():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'tf_saved_model' is not supported; expected 'onnx'"):
        small().export(tmp_path / "model", format="tf_saved_model")
    with pytest.raises(ValueError, match="input_signature"):
        small().export(tmp_path / "model.onnx", format="onnx", input_signature=[])
    assert not list(tmp_path.iterdir())


def test_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'pycnn\[onnx\]'"):
        small().export(tmp_path / "model.onnx")
