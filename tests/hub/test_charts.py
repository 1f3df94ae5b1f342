from hub.charts import (
    HEIGHT,
    MIN_HEIGHT,
    WIDTH,
    spread_labels,
    stacked_columns,
)


def test_the_highest_column_fills_the_picture_and_nothing_is_drawn_of_nothing():
    high, low = stacked_columns([(30, 10), (0, 0)])
    assert high.blocks == ((15.0, 45.0), (0.0, 15.0))
    assert low.blocks == ((HEIGHT, 0), (HEIGHT, 0))


def test_one_among_thousands_is_seen():
    assert stacked_columns([(5000,), (1,)])[1].blocks[0].height == MIN_HEIGHT


def test_columns_share_the_width():
    assert stacked_columns([(1,)] * 24)[-1].x + WIDTH / 24 == WIDTH
    assert stacked_columns([]) == []


def test_labels_of_columns_are_spread_from_the_first_to_the_last():
    assert spread_labels([f"{hour}" for hour in range(25)]) == ["0", "12", "24"]
    assert spread_labels(["Mon", "Tue"]) == ["Mon", "Tue"]
