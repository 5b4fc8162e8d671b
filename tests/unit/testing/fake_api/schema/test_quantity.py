import pytest

from registry_operator.testing.fake_api.schema.quantity import canonical


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1", "1"),
        (0.5, "500m"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("100000", "100k"),
        ("1024Mi", "1Gi"),
        ("1000Mi", "1000Mi"),
        ("0.5Mi", "512Ki"),
        ("512", "512"),
        ("0", "0"),
        ("0Gi", "0"),
        ("1e3", "1e3"),
        ("12e2", "1200"),
        ("1E6", "1e6"),
        ("2E", "2E"),
        ("3Ei", "3Ei"),
        ("100n", "100n"),
    ],
)
def test_quantities_have_the_fewest_digits(sent: str | float, kept: str) -> None:
    assert canonical(sent) == kept


@pytest.mark.parametrize("value", ["many", True, None, []])
def test_what_is_no_quantity_stays_as_it_is(value: object) -> None:
    assert canonical(value) is value
