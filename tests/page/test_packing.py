"""The block of a network's numbers."""

import numpy as np

from charlm.page.packing import NamedArray, pack_arrays

MATRIX = np.array([[127.0, -63.0, 1.0], [0.0, 0.0, 0.0]], dtype=np.float32)
VECTOR = np.array([1.0, 2.0], dtype=np.float32)


def test_float32_is_kept_row_by_row():
    described, block = pack_arrays([NamedArray("m", MATRIX), NamedArray("v", VECTOR)], weights="float32")
    assert described == [
        {"name": "m", "rows": 2, "columns": 3, "type": "float32", "offset": 0},
        {"name": "v", "rows": 2, "columns": 1, "type": "float32", "offset": 24},
    ]
    assert np.frombuffer(block, "<f4").tolist() == [127, -63, 1, 0, 0, 0, 1, 2]


def test_int8_is_kept_with_a_scale_for_each_row_and_vectors_as_they_are():
    described, block = pack_arrays([NamedArray("m", 2 * MATRIX), NamedArray("v", VECTOR)], weights="int8")
    assert [(each["type"], each["offset"]) for each in described] == [("int8", 0), ("float32", 16)]
    assert np.frombuffer(block, np.int8, count=6).tolist() == [127, -63, 1, 0, 0, 0]
    assert np.frombuffer(block, "<f4", offset=8).tolist()[0] == 2.0
    assert np.frombuffer(block, "<f4", offset=16).tolist() == [1.0, 2.0]
