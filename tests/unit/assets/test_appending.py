"""The evening goes on from what the session before left behind, exactly as long as nothing before it was rewritten."""

from datetime import date, time

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from assets.appending import family_rows
from assets.features import HOME, tables_read
from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.carried import Carried, code_of
from gogoku_pipeline.features.family_frames import names_of
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.features.registry import house as registry_of
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.store.carried_states import CarriedStates
from gogoku_pipeline.tables.universe import UNIVERSE

REGISTRY, CUTOFF = registry_of("Premium"), time(19, 0)
AGAIN = CommitInfo(run_id="again", code_version="1")


class Evening:
    """A store with tables up to a session and one family's states."""

    def __init__(self, store, family):
        self.store, self.family = store, family
        self.states = CarriedStates(store.objects)
        self.version = code_of(REGISTRY)
        self.tables = [HOME[name] for name in tables_read(names_of(family_table(family, REGISTRY)))]

    def rows(self, *sessions):
        return family_rows(self.store, self.family, REGISTRY, sessions, self.tables, CUTOFF)

    def left(self, session):
        """The states left after a session."""
        return [Carried.from_bytes(payload) for payload in self.states.of(self.family, self.version, session)]

    def forget(self):
        self.store.objects.delete(self.store.objects.list("carried"))

    def plant(self, session):
        """A state that says something else, so that rows made from it can be told."""
        (state,) = self.left(session)
        for values in (*state.states.values(), *state.kept.values()):
            values += 1.0
        self.states.save(self.family, self.version, session, state.to_bytes())

    def rewrite(self, table, session):
        """Write the same rows of a session again."""
        rows = self.store.tables.scan(table, start=session, end=session).collect()
        self.store.tables.write_sessions(table, rows, [session], commit=AGAIN)


@pytest.fixture
def days(small_market):
    return list(small_market.sessions)


@pytest.fixture
def store(open_house):
    house = open_house()
    house.prepare(house.keys[0], house.keys[20])
    below = [name for name in house.road if not name.startswith(("feat__", "graph__"))]
    assert house.run(below, house.keys[0], house.keys[20]).success
    return house.store


def test_sessions_go_on_from_what_the_one_before_left_while_nothing_before_it_is_rewritten(store, days):
    evening = Evening(store, "feat__prices")
    evening.rows(*days[:15])
    appended = [evening.rows(days[15]), evening.rows(*days[16:18]), evening.rows(days[18])]
    assert [len(evening.left(days[place])) for place in (13, 14, 15, 17, 18)] == [0, 1, 1, 1, 1]
    again = evening.rows(days[18])
    assert_frame_equal(again, appended[2])

    evening.plant(days[17])
    assert not evening.rows(days[18]).equals(again)
    evening.rewrite(UNIVERSE, days[18])
    assert not evening.rows(days[18]).equals(again)
    evening.rewrite(UNIVERSE, days[17])
    assert_frame_equal(evening.rows(days[18]), again)

    evening.forget()
    whole = [evening.rows(days[15]), evening.rows(*days[16:18]), evening.rows(days[18])]
    for from_state, from_history in zip(appended, whole, strict=True):
        assert_frame_equal(from_state, from_history)
    evening.forget()
    assert_frame_equal(evening.rows(days[18]), again)


def test_a_state_that_the_engine_refuses_costs_time_and_no_row(store, days):
    evening = Evening(store, "feat__market")
    evening.rows(*days[:15])
    (state,) = evening.left(days[14])
    wrong = Carried(**{**vars(state), "prints": state.prints + np.uint64(1)})
    evening.states.save(evening.family, evening.version, days[14], wrong.to_bytes())
    row = evening.rows(days[15])
    evening.forget()
    assert_frame_equal(evening.rows(days[15]), row)


def test_a_family_nobody_declared_is_refused(tmp_path):
    with pytest.raises(FeatureError, match="feat__nothing"):
        family_rows(open_store(f"file://{tmp_path}"), "feat__nothing", REGISTRY, [date(2021, 3, 1)], [], CUTOFF)
