from webapp.evaluation import actions


def test_scores_of_single_fields_get_a_name_with_a_dot_and_the_base_beside_them() -> None:
    scores = {
        "validation_loss": {"base": 2.0, "adapter": 0.4},
        "json_values": {"part": {"base": 0.0, "adapter": 0.9}},
        "rows": 45,
        "exact_match": {"base": None, "adapter": 0.5},
        "unmeasured": {"base": None, "adapter": None},
    }
    assert list(actions.flatten(scores)) == [
        ("validation_loss", 2.0, 0.4),
        ("json_values.part", 0.0, 0.9),
        ("exact_match", None, 0.5),
    ]
