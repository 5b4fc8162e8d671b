"""Labels that find a Registry's children."""

from registry_operator.api import names


def test_what_selects_pods_is_part_of_every_childs_labels() -> None:
    assert names.selector_labels("a").items() <= names.child_labels("a").items()


def test_the_operators_own_name_never_is_in_a_selector() -> None:
    assert names.LABEL_MANAGED_BY not in names.selector_labels("a")


def test_users_can_set_no_label_that_we_set() -> None:
    assert set(names.child_labels("a")) <= set(names.RESERVED_LABELS)


def test_a_registrys_name_leaves_room_for_suffixes_in_a_dns_label() -> None:
    assert names.NAME_LIMIT + len("-config-xyz") <= 63
